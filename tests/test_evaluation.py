"""Choices never see the fold that is reported, and the evaluation adds up."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genre_models.classifiers import GENRES
from genre_models.training.choice import Choice, choose, read_choices, write_choices
from genre_models.training.dataset import Dataset
from genre_models.training.evaluation import evaluate, network_jobs, table
from genre_models.training.folds import SHUFFLES, SPLITS, outer_folds
from genre_models.training.gtzan import index
from genre_models.training.recipes import CANDIDATES, RECIPES, Recipe
from tests.sounds import prepare, write_dataset

Choices = dict[str, dict[str, Choice]]
QUICK = [Recipe(batch_size=8, max_epochs=3), Recipe(batch_size=8, max_epochs=3, learning_rate=3e-4)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = write_dataset(tmp_path_factory.mktemp("data"), clip_s=6.0)
    return prepare(index(folder), tmp_path_factory.mktemp("cache"))[0]


@pytest.fixture(scope="module", autouse=True)
def quick_candidates() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CANDIDATES, "mlp", QUICK)
        yield


@pytest.fixture(scope="module")
def choices(dataset: Dataset) -> Choices:
    return choose(dataset, ["mlp"], workers=1)


def test_there_is_a_choice_for_every_training_side(choices: Choices, tmp_path: Path) -> None:
    sides = {f"{shuffle}/{fold}" for shuffle in SHUFFLES["artist"] for fold in range(3)}
    assert choices["mlp"].keys() == sides | {"all"}
    for choice in choices["mlp"].values():
        assert choice.recipe == QUICK[int(np.argmax(choice.candidate_scores))]
        assert 1 <= choice.epochs <= 3
    write_choices(choices, tmp_path / "choices.json")
    assert read_choices(tmp_path / "choices.json") == choices


def test_a_choice_does_not_depend_on_the_fold_it_is_reported_on(dataset: Dataset, choices: Choices) -> None:
    unseen = outer_folds(dataset, "artist", 0)[1].test
    clean = dataset.mfccs["clean"].clone()
    variants = dataset.variants.clone()
    clean[unseen] = 100 * torch.randn(clean[unseen].shape)
    variants[unseen] = 100 * torch.randn(variants[unseen].shape).half()
    spoilt = replace(dataset, mfccs={**dataset.mfccs, "clean": clean}, variants=variants)
    again = choose(spoilt, ["mlp"], workers=1)
    assert again["mlp"]["0/1"] == choices["mlp"]["0/1"]
    assert again["mlp"]["0/0"].candidate_scores != choices["mlp"]["0/0"].candidate_scores


def test_no_network_is_tested_on_what_it_was_trained_on(dataset: Dataset, choices: Choices) -> None:
    for split in SPLITS:
        jobs = network_jobs(dataset, split, "mlp", choices["mlp"])
        for job in jobs:
            assert not set(job.run.segments) & set(job.test)
        tested = np.concatenate([job.test for job in jobs])
        assert np.array_equal(np.bincount(tested), np.full(len(dataset.recording), len(SHUFFLES[split])))


def test_the_evaluation_adds_up(dataset: Dataset, choices: Choices) -> None:
    evaluation = evaluate(dataset, choices, "artist", workers=1)
    systems = evaluation["splits"]["artist"]
    assert list(systems) == ["mlp", "average", "baseline"]
    for result in systems.values():
        low, high = result["interval"]
        assert low <= result["balanced_accuracy"] <= high
        assert result["balanced_accuracy"] == pytest.approx(np.mean(list(result["recall"].values())))
        assert result["balanced_accuracy"] == pytest.approx(np.mean(result["shuffles"]))
        assert np.sum(result["confusion"]) == pytest.approx(40, abs=0.1)
    assert systems["average"]["shuffles"] == systems["mlp"]["shuffles"]  # the average of one is that one
    by_pair = {(pair["system"], pair["against"]): pair for pair in evaluation["differences"]}
    gap = systems["mlp"]["balanced_accuracy"] - systems["baseline"]["balanced_accuracy"]
    assert by_pair["mlp", "baseline"]["difference"] == pytest.approx(gap)
    assert by_pair["average", "mlp"]["difference"] == 0
    assert evaluation["conditions"]["clips"] == 30
    assert 0 <= evaluation["conditions"]["mp3"]["verdict_stays"] <= 1
    shown = table(evaluation)
    assert all(genre in shown for genre in GENRES)
    assert f"{100 * systems['baseline']['balanced_accuracy']:.1f}%" in shown


def test_recipes_in_use_are_the_ones_that_were_chosen() -> None:
    chosen = read_choices()
    assert {model: sides["all"].recipe for model, sides in chosen.items()} == RECIPES
    assert RECIPES.keys() == CANDIDATES.keys()
