"""Learning curves: what the training program writes is what the Training tab reads."""

from dataclasses import replace
from math import log
from pathlib import Path

import pytest
import torch

from genre_models.classifiers import GENRES, NETWORKS
from genre_models.history import history
from genre_models.training.dataset import Dataset
from genre_models.training.distributed import Alone
from genre_models.training.folds import outer_folds
from genre_models.training.genre import Settings, training, write_curves
from genre_models.training.loop import Run, fit
from genre_models.training.recipes import Recipe

CPU = torch.device("cpu")


def test_every_fold_is_kept_epoch_by_epoch(tiny_dataset: Dataset, tmp_path: Path) -> None:
    settings = Settings(output=tmp_path / "runs", cache=tmp_path / "cache", epochs=2)
    metrics = training("mlp", tiny_dataset, settings, Alone(CPU)).run()
    (tmp_path / "metrics").mkdir()
    head_has_no_epochs = {"model": "musicnn", "seed": 0}
    write_curves(tmp_path / "metrics" / "curves.json", {"mlp": metrics, "musicnn": head_has_no_epochs})
    learning = history(tmp_path / "metrics").learning
    assert list(learning) == ["mlp"]
    assert len(learning["mlp"]) == 3
    for fold, stored in zip(learning["mlp"], metrics["curves"]["folds"], strict=True):
        assert fold.epochs == (1, 2)
        assert fold.train_loss == tuple(stored["train_loss"])
        assert fold.validation_loss == tuple(stored["validation_loss"])
        assert all(0 <= accuracy <= 1 for accuracy in fold.validation_accuracy)


@pytest.mark.parametrize("unlabelled", [0.0, 1.0, 3.0])
def test_the_training_loss_is_a_mean_over_all_that_was_shown(
    tiny_dataset: Dataset, unlabelled: float
) -> None:
    """However much unlabelled music is in a batch: at first no better than a guess, and not far worse."""
    music = replace(
        tiny_dataset,
        unlabelled_mfccs=tiny_dataset.mfccs["clean"][:40],
        unlabelled_embedding=tiny_dataset.embedding[:40],
    )
    recipe = Recipe(learning_rate=1e-6, soft_labels=True, unlabelled=unlabelled, label_smoothing=0.0)
    run = Run(outer_folds(music, "artist", 0)[0].train, recipe, epochs=1)
    loss = fit(NETWORKS["mlp"], music, run, CPU).history[0].train_loss
    assert loss == pytest.approx(log(len(GENRES)), rel=0.1)
