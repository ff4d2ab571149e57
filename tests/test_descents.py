"""Three regimes of gradient descent: compared fairly, step by step as the notes tell it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from genre_models.history import history
from genre_models.training import descents
from genre_models.training.dataset import Dataset
from genre_models.training.descents import Descent, Regime, Trial, chosen, compare, try_rate
from genre_models.training.folds import Fold, outer_folds

SHORT = {"full-batch": Regime(None, 4), "mini-batch": Regime(16, 2), "stochastic": Regime(1, 1)}
RATES = (0.003, 0.01, 1e9)
DIVERGES = 1e9


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(descents, "REGIMES", SHORT)
    monkeypatch.setattr(descents, "LEARNING_RATES", RATES)


@pytest.fixture
def fold(tiny_dataset: Dataset) -> Fold:
    return outer_folds(tiny_dataset, "artist", 0)[0]


@pytest.fixture
def descent(tiny_dataset: Dataset, fold: Fold) -> Descent:
    return Descent(tiny_dataset, fold)


def test_every_regime_starts_from_the_same_weights_and_goes_through_the_whole_set(descent: Descent) -> None:
    n = len(descent.labels)
    runs = {name: list(descent.run(regime, 0.003)) for name, regime in SHORT.items()}
    starts = {(run[0].train_loss, run[0].validation_loss) for run in runs.values()}
    assert len(starts) == 1
    assert {name: run[-1].steps for name, run in runs.items()} == {
        "full-batch": 4,
        "mini-batch": 2 * -(-n // 16),
        "stochastic": n,
    }
    for name, run in runs.items():
        assert run[-1].epochs == SHORT[name].epochs
        seconds = [point.seconds for point in run]
        assert seconds[0] == 0 and seconds == sorted(seconds)


def test_a_step_goes_against_the_gradient_of_the_mean_loss(descent: Descent) -> None:
    model = descent.first_weights()

    def mean_loss() -> torch.Tensor:
        losses = F.cross_entropy(model(descent.inputs), descent.labels, reduction="none")
        return (losses * descent.weights).mean()

    mean_loss().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.sub_(0.1 * parameter.grad)
    after = list(descent.run(Regime(None, 1), 0.1))[-1]
    assert after.train_loss == pytest.approx(float(mean_loss().detach()), rel=1e-5)


def test_the_same_seed_gives_the_same_curve(descent: Descent) -> None:
    first, second = (list(descent.run(SHORT["stochastic"], 0.003)) for _ in range(2))
    assert [point.train_loss for point in first] == [point.train_loss for point in second]


def test_a_rate_that_blows_up_is_never_chosen(descent: Descent) -> None:
    trials = [try_rate([descent], SHORT["full-batch"], rate) for rate in RATES]
    assert [trial.validation_loss is None for trial in trials] == [False, False, True]
    assert chosen(trials).learning_rate != DIVERGES
    assert chosen([Trial(0.1, None, None), Trial(0.2, 2.0, 3.0), Trial(0.3, 1.5, 4.0)]).learning_rate == 0.3


def test_what_is_held_out_has_no_part_in_any_choice(
    tiny_dataset: Dataset, fold: Fold, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Fold] = []

    class Watched(Descent):
        def __init__(self, dataset: Dataset, fold: Fold) -> None:
            seen.append(fold)
            super().__init__(dataset, fold)

    monkeypatch.setattr(descents, "Descent", Watched)
    compare(tiny_dataset)
    *inner, outer = seen

    def artists(segments: np.ndarray) -> set[str]:
        return {tiny_dataset.recordings[i].group for i in tiny_dataset.recording[segments]}

    assert len(inner) == 3
    for one in inner:
        assert not artists(np.concatenate([one.train, one.test])) & artists(outer.test)
        assert not artists(one.train) & artists(one.test)


def test_a_comparison_is_written_as_the_page_reads_it(tiny_dataset: Dataset, tmp_path: Path) -> None:
    comparison = compare(tiny_dataset)
    path = descents.write(comparison, tmp_path / "metrics")
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    read = history(path.parent).descents
    assert read is not None
    assert list(read.regimes) == list(SHORT)
    for name, one in read.regimes.items():
        stored = comparison["regimes"][name]
        assert one.rates == RATES and one.learning_rate in RATES[:2]
        assert (one.samples, one.curve.epochs[-1]) == (SHORT[name].batch_size, SHORT[name].epochs)
        assert one.curve.steps[one.end] == stored["end"]["steps"]
        assert one.accuracy.low <= one.accuracy.value <= one.accuracy.high
        assert descents.in_words(name, stored).startswith(f"{name}: learning rate {one.learning_rate}")
