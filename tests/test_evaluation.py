"""Choices never see the fold that is reported, and the evaluation adds up."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genre_models.classifiers import GENRES
from genre_models.classifiers.heads import RECORDED
from genre_models.denoiser import MENDED
from genre_models.musicnn import FRONT_CHANNELS
from genre_models.restorer import Restorer
from genre_models.training import evaluation as evaluating
from genre_models.training import head
from genre_models.training.choice import ALL, Choices, Inner, choose, read_choices, write_choices
from genre_models.training.dataset import Dataset
from genre_models.training.evaluation import combination, evaluate, network_jobs
from genre_models.training.files import DataError
from genre_models.training.folds import SHUFFLES, SPLITS, outer_folds
from genre_models.training.fronts import DRAWN_NAMES
from genre_models.training.head import AS_CLEAN, HEAD_CANDIDATES, HEAD_RECIPE, fit_heads, head_answers
from genre_models.training.jobs import Job, contents, job_file
from genre_models.training.loop import Run
from genre_models.training.recipes import CANDIDATES, RECIPES, Recipe
from genre_models.training.recording_conditions import CONDITIONS
from genre_models.training.restoring import Restored
from genre_models.training.tables import conditions_table, table

MODELS = ["mlp", "musicnn"]
QUICK = {
    "plain": Recipe(batch_size=8, max_epochs=3),
    "still": Recipe(batch_size=8, max_epochs=1, learning_rate=0.0),
    "slow": Recipe(batch_size=8, max_epochs=3, learning_rate=3e-4),
}


@pytest.fixture(scope="module")
def dataset(tiny_dataset: Dataset) -> Dataset:
    return tiny_dataset


@pytest.fixture(scope="module", autouse=True)
def quick_candidates() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CANDIDATES, "mlp", QUICK)
        patch.setattr(head, "MAX_ITERATIONS", 20)
        for name in list(HEAD_CANDIDATES)[1:]:
            patch.delitem(HEAD_CANDIDATES, name)
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def choices(dataset: Dataset, cache: Path) -> Choices:
    return choose(dataset, MODELS, 1, cache)


def test_there_is_a_choice_for_every_training_side(choices: Choices, tmp_path: Path) -> None:
    sides = {f"{shuffle}/{fold}" for shuffle in SHUFFLES["artist"] for fold in range(3)} | {ALL}
    assert choices.pools.keys() == sides
    assert all(pool.keys() == set(MODELS) for pool in choices.pools.values())
    for model in MODELS:
        assert choices.models[model].keys() == sides
    for choice in choices.models["mlp"].values():
        assert choice.candidate == max(choice.scores, key=lambda name: choice.scores[name])
        assert choice.recipe == QUICK[choice.candidate]
        assert 1 <= choice.epochs <= 3
    write_choices(choices, tmp_path / "choices.json")
    assert read_choices(tmp_path / "choices.json") == choices


def test_each_step_is_compared_with_the_best_one_before(choices: Choices) -> None:
    still, slow = choices.steps["mlp"]
    scores = choices.models["mlp"][ALL].scores
    assert scores["still"] < scores["plain"]
    assert (still["step"], still["against"]) == ("still", "plain")
    assert (slow["step"], slow["against"]) == ("slow", "plain")
    for step in (still, slow):
        low, high = step["interval"]
        assert -1 <= low <= step["difference"] <= high <= 1


def test_a_finished_run_is_not_run_again(dataset: Dataset, choices: Choices, cache: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in cache.rglob("*") if file.is_file()}
    assert len(before) == len(QUICK) * 9
    next(iter(before)).unlink()  # as if `choose` had been stopped before this one
    assert choose(dataset, ["mlp"], 1, cache).models["mlp"] == choices.models["mlp"]
    after = {file: file.stat().st_mtime_ns for file in cache.rglob("*") if file.is_file()}
    assert after.keys() == before.keys()
    assert sum(after[file] != before[file] for file in before) == 1


def test_what_would_change_a_run_changes_where_it_is_kept(dataset: Dataset, cache: Path) -> None:
    segments = np.arange(6)
    job = Job("mlp", Run(segments, QUICK["plain"], epochs=2), segments)
    data = contents(dataset)
    others = [
        replace(job, model="cnn"),
        replace(job, test=segments[:3]),
        replace(job, run=replace(job.run, seed=1)),
        replace(job, run=replace(job.run, recipe=QUICK["slow"])),
    ]
    files = {job_file(one, data, cache) for one in (job, *others)}
    heard_otherwise = replace(dataset, variants=dataset.variants + 1)
    files.add(job_file(job, contents(heard_otherwise), cache))
    assert len(files) == 6
    assert job_file(job, contents(replace(dataset)), cache) in files


def test_a_choice_does_not_depend_on_the_fold_it_is_reported_on(
    dataset: Dataset, choices: Choices, cache: Path
) -> None:
    unseen = outer_folds(dataset, "artist", 0)[1].test

    def spoilt_in(values: torch.Tensor) -> torch.Tensor:
        values = values.clone()
        values[unseen] = 100 * torch.randn(values[unseen].shape).to(values.dtype)
        return values

    spoilt = replace(
        dataset,
        mfccs={name: spoilt_in(one) for name, one in dataset.mfccs.items()},
        heard={name: spoilt_in(one) for name, one in dataset.heard.items()},
        mended={name: spoilt_in(one) for name, one in dataset.mended.items()},
        embedding=spoilt_in(dataset.embedding),
        variants=spoilt_in(dataset.variants),
        heard_variants=spoilt_in(dataset.heard_variants),
    )
    again = choose(spoilt, MODELS, 1, cache)
    for model in MODELS:
        assert again.models[model]["0/1"] == choices.models[model]["0/1"]
        assert again.models[model]["0/0"].scores != choices.models[model]["0/0"].scores
    assert again.pools["0/1"] == choices.pools["0/1"]
    assert again.pools["0/0"] != choices.pools["0/0"]


def test_what_was_chosen_for_the_others_stands(dataset: Dataset, choices: Choices, cache: Path) -> None:
    slow = {
        side: replace(choices.models["mlp"][side], candidate="slow", recipe=QUICK["slow"], epochs=2)
        for side in choices.pools
    }
    earlier = replace(choices, models={**choices.models, "mlp": slow})
    again = choose(dataset, ["musicnn"], 1, cache, earlier)
    assert again.models == earlier.models
    assert again.steps == choices.steps
    assert again.pools != choices.pools
    assert choose(dataset, ["musicnn"], 1, cache, choices).pools == choices.pools
    forgotten = {side: replace(choice, candidate="forgotten") for side, choice in slow.items()}
    with pytest.raises(DataError, match="mlp is no candidate any more"):
        choose(dataset, ["musicnn"], 1, cache, replace(choices, models={"mlp": forgotten}))


def test_no_network_is_tested_on_what_it_was_trained_on(dataset: Dataset, choices: Choices) -> None:
    for split in SPLITS:
        jobs = network_jobs(dataset, split, choices.models["mlp"], "mlp")
        for job in jobs:
            assert not set(job.run.segments) & set(job.test)
        tested = np.concatenate([job.test for job in jobs])
        assert np.array_equal(np.bincount(tested), np.full(len(dataset.recording), len(SHUFFLES[split])))


def test_the_evaluation_adds_up(
    dataset: Dataset, choices: Choices, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[np.ndarray] = []

    def as_they_are(dataset: Dataset, given: list[np.ndarray], workers: int, cache: Path) -> list[Restored]:
        sides.extend(given)
        heard = dataset.heard | dict.fromkeys(DRAWN_NAMES, dataset.heard["hard"])
        return [Restored(Restorer(FRONT_CHANNELS), heard)] * len(given)

    monkeypatch.setattr(evaluating, "restored", as_they_are)
    evaluation, answers = evaluate(dataset, choices, "artist", 1, cache)
    folds = [fold for shuffle in SHUFFLES["artist"] for fold in outer_folds(dataset, "artist", shuffle)]
    assert [side.tolist() for side in sides] == [fold.train.tolist() for fold in folds]
    systems = evaluation["splits"]["artist"]
    assert list(systems) == ["mlp", "musicnn", "verdict", "plain average", "baseline"]
    for result in systems.values():
        low, high = result["interval"]
        assert low <= result["balanced_accuracy"] <= high
        assert result["balanced_accuracy"] == pytest.approx(np.mean(list(result["recall"].values())))
        assert result["balanced_accuracy"] == pytest.approx(np.mean(result["shuffles"]))
        assert np.sum(result["confusion"]) == pytest.approx(40, abs=0.1)
    by_pair = {(pair["system"], pair["against"]): pair for pair in evaluation["differences"]}
    gap = systems["mlp"]["balanced_accuracy"] - systems["baseline"]["balanced_accuracy"]
    assert by_pair["mlp", "baseline"]["difference"] == pytest.approx(gap)
    shown = table(evaluation)
    assert all(genre in shown for genre in GENRES)
    assert f"{100 * systems['baseline']['balanced_accuracy']:.1f}%" in shown

    for condition in ("hard", "room"):
        only_the_ear = answers.unlike[condition]
        assert only_the_ear.any()
        assert evaluation["unlike"][condition] == pytest.approx(only_the_ear.mean())
        verdict, ear = (answers.systems[name][condition] for name in ("verdict", "musicnn"))
        assert np.array_equal(verdict[only_the_ear], ear[only_the_ear])

    conditions = evaluation["conditions"]
    assert conditions["order"] == ["clean", *CONDITIONS]
    for system, values in conditions["systems"].items():
        assert values["clean"] == pytest.approx(systems[system]["balanced_accuracy"])
    # the networks centre the level away, so only rounding to 16 bits is left of 20 dB
    assert conditions["systems"]["mlp"]["quiet"] == pytest.approx(values["clean"], abs=0.5)
    assert all(condition.title in conditions_table(evaluation) for condition in CONDITIONS.values())

    errors = conditions["calibration_errors"]
    assert errors.keys() == {"clean", *CONDITIONS}
    assert errors["clean"] == evaluation["calibration"]["after"]["ece"]

    for state in ("before", "after"):
        measured = evaluation["calibration"][state]
        low, high = measured["interval"]
        assert 0 <= low <= high <= 1
        assert sum(one["count"] for one in measured["bins"]) == 3 * 40
    weights = combination(answers)
    assert {frozenset(names) for names in weights.weights} == {
        frozenset({"mlp"}),
        frozenset({"musicnn"}),
        frozenset(MODELS),
    }


def test_heads_are_given_restored_features_of_distant_recordings_alone(dataset: Dataset) -> None:
    heard = {name: values + 3 * (name == "hard") for name, values in dataset.heard.items()}
    heard["hard"][dataset.mended["hard"] <= MENDED] = dataset.heard["hard"][dataset.mended["hard"] <= MENDED]
    segments, recipe = np.arange(len(dataset.recording)), HEAD_CANDIDATES["clean recordings"]
    near, far = (head_answers(dataset, segments, recipe, segments, one).answers for one in (None, heard))
    restored = (dataset.mended["hard"] > MENDED).numpy()
    assert restored.any()
    assert not np.isclose(near["hard"][restored], far["hard"][restored]).all(axis=1).any()
    np.testing.assert_array_equal(near["hard"][~restored], far["hard"][~restored])
    for name in set(near) - {"hard"}:
        np.testing.assert_array_equal(near[name], far[name])


def test_the_gate_tells_how_a_segment_is_recorded(dataset: Dataset) -> None:
    heads = fit_heads(dataset, np.arange(len(dataset.recording)), HEAD_RECIPE)
    for place, name in enumerate(RECORDED):
        judged = heads.gate(dataset.heard[name]).argmax(dim=1)
        assert (judged == place).float().mean() > 0.6
    for name in AS_CLEAN:
        assert (heads.gate(dataset.heard[name]).argmax(dim=1) == 0).float().mean() > 0.6


def test_an_expert_answers_better_than_one_head_for_all_how_it_is_recorded(dataset: Dataset) -> None:
    everything = np.arange(len(dataset.recording))
    one, many = (
        head_answers(dataset, everything, replace(HEAD_RECIPE, experts=experts), everything).answers
        for experts in (False, True)
    )
    for name in RECORDED[1:]:
        truth = np.arange(len(dataset.recording)), dataset.labels
        near = (dataset.mended[name] <= MENDED).numpy()
        assert many[name][truth][near].mean() > one[name][truth][near].mean()
        np.testing.assert_allclose(many[name][~near], one[name][~near], atol=1e-5)


def test_recipes_in_use_are_the_ones_that_were_chosen() -> None:
    chosen = {model: sides[ALL].recipe for model, sides in read_choices().models.items()}
    assert chosen == {**RECIPES, "musicnn": HEAD_RECIPE}
    assert RECIPES.keys() == CANDIDATES.keys()


def test_a_head_is_chosen_by_all_recording_conditions_and_a_network_by_clean_recordings() -> None:
    truth = np.array([0, 1])
    right = np.log(np.eye(2, 10) + 0.01)  # (2 segments, 10 genres)
    wrong = right[::-1]

    def accuracy(clean: np.ndarray, hard: np.ndarray, head: bool) -> float:
        heard = {"clean": clean, "hard": hard}
        unlike = {name: np.zeros(2) for name in heard} if head else None
        return float(Inner(0, (0, 1), clean[None], truth, truth, truth, heard, unlike).curve()[0])

    assert accuracy(right, right, True) == accuracy(right, wrong, False) == 1.0
    assert accuracy(right, wrong, True) == accuracy(wrong, right, True) == 0.5


def test_a_recording_is_unlike_good_ones_by_the_mean_of_its_segments() -> None:
    owner, truth, said = np.array([0, 0, 1, 1]), np.array([3, 4]), np.full((4, 10), -2.3)
    unlike = {"room": np.array([1.0, 0.2, 0.0, 0.9])}
    judge = Inner(0, (0, 1), said[None], owner, truth, truth, {"room": said}, unlike)
    assert judge.is_unlike("room").tolist() == [True, False]
    assert not replace(judge, unlike=None).is_unlike("room").any()
