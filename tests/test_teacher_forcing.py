"""Training token by token: it learns, ignores padding, and goes on after a stop as if there were none."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from genre_models.seq2seq import EncoderDecoder
from genre_models.training.checkpoint import CheckpointError
from genre_models.training.loop import fix_seed
from genre_models.training.lstm_seq2seq import LSTMEncoderDecoder
from genre_models.training.teacher_forcing import Batch, Epoch, Model, Plan, Trainer, answers, fit, n_foretold

PAD, START, VOCAB = 0, 1, 8
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Copying:
    """The target is the source again."""

    batches_per_epoch: int = 3
    length: int = 5

    def batches(self, batch_size: int, rng: np.random.Generator) -> Iterator[Batch]:
        for _ in range(self.batches_per_epoch):
            source = torch.from_numpy(rng.integers(2, VOCAB, (batch_size, self.length)))
            yield source, torch.nn.functional.pad(source, (1, 0), value=START)

    def held_out(self, batch_size: int) -> Iterator[Batch]:
        return self.batches(batch_size, np.random.default_rng(99))


DATA = Copying()
PLAN = Plan(epochs=4, batch_size=16, learning_rate=5e-3)


def transformer(dropout: float = 0.1) -> Model:
    fix_seed(0)
    return EncoderDecoder(
        VOCAB, VOCAB, 16, heads=2, encoder_layers=1, decoder_layers=1, d_ff=32, dropout=dropout
    )


def lstm(dropout: float = 0.1) -> Model:
    fix_seed(0)
    return LSTMEncoderDecoder(VOCAB, d_model=16, hidden=24, layers=2, dropout=dropout)


models = pytest.mark.parametrize("new", [transformer, lstm])


def same(one: Model, other: Model) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


def untimed(history: list[Epoch]) -> list[Epoch]:
    return [replace(epoch, seconds=0) for epoch in history]


@models
def test_a_copy_task_is_learnt(new: Callable[..., Model]) -> None:
    plan = Plan(epochs=3, batch_size=16, learning_rate=1e-2)
    history = fit(new(dropout=0), Copying(30, 2), Copying(2, 2), plan)
    losses = [epoch.validation_loss for epoch in history]
    chance = math.log(VOCAB - 2)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.5 * chance
    assert [epoch.steps for epoch in history] == [30, 60, 90]


@models
def test_after_a_stop_between_epochs_it_goes_on_to_the_digit(
    new: Callable[..., Model], tmp_path: Path
) -> None:
    straight, stopped, file = new(), new(), tmp_path / "sub" / "checkpoint.safetensors"
    whole = fit(straight, DATA, DATA, PLAN)
    trainer = Trainer(stopped, DATA, DATA, PLAN)
    for _ in range(2):
        trainer.train_epoch()
    trainer.save(file)
    torch.manual_seed(123)
    resumed = new()
    assert untimed(fit(resumed, DATA, DATA, PLAN, file, resume=True)) == untimed(whole)
    assert same(resumed, straight)
    assert not same(stopped, straight)


def test_what_is_trained_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "checkpoint.safetensors"
    trained = transformer()
    history = fit(trained, DATA, DATA, PLAN, file)
    monkeypatch.setattr(Trainer, "train_epoch", lambda _: pytest.fail("it trains"))
    again = transformer()
    assert fit(again, DATA, DATA, PLAN, file, resume=True) == history
    assert same(again, trained)


def test_without_resume_it_starts_afresh(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.safetensors"
    first, again = transformer(), transformer()
    fit(first, DATA, DATA, replace(PLAN, seed=3), file)
    assert len(fit(again, DATA, DATA, PLAN, file)) == PLAN.epochs
    assert not same(again, first)


@pytest.mark.parametrize(
    "other", [replace(PLAN, epochs=5), replace(PLAN, seed=1), replace(PLAN, learning_rate=1e-3)]
)
def test_a_checkpoint_of_another_plan_is_refused(other: Plan, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.safetensors"
    fit(transformer(), DATA, DATA, replace(PLAN, epochs=1), file)
    with pytest.raises(CheckpointError, match="other settings or data"):
        fit(transformer(), DATA, DATA, other, file, resume=True)


def test_a_checkpoint_of_other_data_or_another_model_is_refused(tmp_path: Path) -> None:
    file, plan = tmp_path / "checkpoint.safetensors", replace(PLAN, epochs=1)
    fit(transformer(), DATA, DATA, plan, file, data="one")
    with pytest.raises(CheckpointError, match="other settings or data"):
        fit(transformer(), DATA, DATA, plan, file, resume=True, data="two")
    with pytest.raises(CheckpointError, match="other settings or data"):
        fit(lstm(), DATA, DATA, plan, file, resume=True, data="one")


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match="damaged"):
        fit(transformer(), DATA, DATA, PLAN, file, resume=True)


@dataclass(frozen=True)
class Fixed:
    """One batch, over and over."""

    batch: Batch

    def batches(self, batch_size: int, rng: np.random.Generator) -> Iterator[Batch]:
        return iter([self.batch] * 3)

    def held_out(self, batch_size: int) -> Iterator[Batch]:
        return iter([self.batch])


def longer(ids: Tensor, n: int) -> Tensor:
    return torch.nn.functional.pad(ids, (0, n), value=PAD)


@models
def test_padding_changes_no_loss_and_no_step(new: Callable[..., Model]) -> None:
    (source, target), *_ = DATA.held_out(4)
    more, plan = (longer(source, 3), longer(target, 4)), replace(PLAN, epochs=2)
    plain, padded = (
        fit(new(dropout=0), Fixed(batch), Fixed(batch), plan) for batch in ((source, target), more)
    )
    assert plain[1].train_loss < plain[0].train_loss
    for one, other in zip(plain, padded, strict=True):
        assert other.train_loss == pytest.approx(one.train_loss, rel=1e-4)
        assert other.validation_loss == pytest.approx(one.validation_loss, rel=1e-4)


def test_foretold_are_all_tokens_but_the_first_and_padding() -> None:
    assert n_foretold(torch.tensor([[1, 5, 6, 0], [1, 4, 3, 2]]), PAD) == 5


def test_answers_are_the_losses_beside_their_targets() -> None:
    model, batches = transformer().eval(), list(DATA.held_out(4))
    for (losses, target), (source, same_target) in zip(answers(model, batches, CPU), batches, strict=True):
        assert torch.equal(target, same_target)
        torch.testing.assert_close(losses, model.token_losses(source, target).detach())


def test_the_learning_rate_rises_then_falls_as_a_cosine() -> None:
    trainer = Trainer(transformer(), DATA, DATA, replace(PLAN, learning_rate=1.0, warm_up=0.2))
    seen = []

    def step(source: Tensor, target: Tensor, count: int) -> float:
        seen.append(trainer.optimizer.param_groups[0]["lr"])
        return 0.0

    trainer._step = step  # type: ignore[method-assign]
    for _ in range(PLAN.epochs):
        trainer.train_epoch()
    total = PLAN.epochs * DATA.batches_per_epoch
    done = (np.arange(total) + 1) / total
    expected = np.where(done < 0.2, done / 0.2, 0.5 * (1 + np.cos(np.pi * (done - 0.2) / 0.8)))
    np.testing.assert_allclose(seen, expected, atol=1e-12)


def test_validation_and_result_are_those_of_the_averaged_weights() -> None:
    model = transformer()
    trainer = Trainer(model, DATA, DATA, PLAN)
    trainer.train_epoch()
    own = {name: value.clone() for name, value in model.state_dict().items()}
    with trainer.averaged() as averaged:
        assert not averaged.training
        nats = sum(float(losses.sum()) for losses, _ in answers(averaged, DATA.held_out(16), CPU))
        assert not torch.equal(averaged.state_dict()["head.weight"], own["head.weight"])
    assert model.training
    assert all(torch.equal(model.state_dict()[name], value) for name, value in own.items())
    tokens = DATA.batches_per_epoch * 16 * DATA.length
    assert trainer.history[0].validation_loss == pytest.approx(nats / tokens, rel=1e-5)


def test_padding_changes_nothing_in_the_lstm() -> None:
    model = lstm().eval()
    (source, target), *_ = DATA.held_out(3)
    source[1, 2:] = PAD
    alone = model(source[1:2, :2], target[1:2])
    torch.testing.assert_close(model(longer(source, 4), target)[1:2], alone, atol=1e-6, rtol=0)
    losses = model.token_losses(source, longer(target, 3))
    torch.testing.assert_close(losses[:, :5], model.token_losses(source, target), atol=1e-6, rtol=0)
    assert losses[:, 5:].count_nonzero() == 0


def test_later_tokens_change_no_earlier_loss_in_the_lstm() -> None:
    model = lstm().eval()
    (source, target), *_ = DATA.held_out(3)
    other = target.clone()
    other[:, 3:] = (target[:, 3:] - 1) % (VOCAB - 2) + 2
    before, after = model.token_losses(source, target), model.token_losses(source, other)
    torch.testing.assert_close(after[:, :2], before[:, :2], atol=1e-6, rtol=0)
    assert not torch.isclose(after[:, 2:], before[:, 2:]).any()
    changed = source.flip(1)
    assert not torch.allclose(model.token_losses(changed, target)[:, :1], before[:, :1])
