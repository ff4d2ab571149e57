"""One token after another in NumPy is what PyTorch says of the whole."""

import pytest
import torch
from torch import Tensor

from genre_models.seq2seq import EncoderDecoder, Sampling
from genre_models.stepping import Stepper
from tests.test_seq2seq import PAD, sources, targets, tiny, tokens


def generated(model: EncoderDecoder, source: Tensor, prefix: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Tokens (1, count) and the logits that they were drawn by, (count, vocab)."""
    steps = list(model.generate(source, prefix, count, Sampling(seed=4)))
    return tokens(steps), torch.cat([step.logits for step in steps])


def of_the_whole(model: EncoderDecoder, source: Tensor, prefix: Tensor, drawn: Tensor) -> Tensor:
    """The logits of the same tokens, read at once, without what foretells PAD: (count, vocab)."""
    target = torch.cat([prefix, drawn], dim=1)[:, :-1]
    logits = model(source, target)[0, prefix.shape[1] - 1 :].double()
    logits[:, PAD] = -torch.inf
    return logits


@pytest.mark.parametrize("prefix_length", [1, 6])
@pytest.mark.parametrize("sizes", [{}, {"d_k": 3, "d_v": 11}, {"heads": 1, "d_ff": 7, "decoder_layers": 3}])
def test_every_step_equals_the_whole_again(prefix_length: int, sizes: dict[str, int]) -> None:
    model, source, prefix = tiny(**sizes), sources(1), targets(1, prefix_length)
    drawn, logits = generated(model, source, prefix, 70)
    torch.testing.assert_close(logits, of_the_whole(model, source, prefix, drawn), atol=1e-5, rtol=1e-5)


def test_beyond_the_positions_that_the_model_began_with() -> None:
    model, source, prefix = tiny(), sources(1), targets(1, 1)
    drawn, logits = generated(model, source, prefix, 600)
    torch.testing.assert_close(logits, of_the_whole(model, source, prefix, drawn), atol=1e-5, rtol=1e-5)


def test_weights_trained_since_are_seen() -> None:
    model, source, prefix = tiny(), sources(1), targets(1, 3)
    before, _ = generated(model, source, prefix, 20)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    drawn, logits = generated(model, source, prefix, 20)
    assert not torch.equal(drawn, before)
    torch.testing.assert_close(logits, of_the_whole(model, source, prefix, drawn), atol=1e-5, rtol=1e-5)


def listened(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What steppers are asked from now on."""
    asked: list[list[int]] = []
    answer = Stepper.__call__

    def listened_to(stepper: Stepper, new: list[int]) -> Tensor:
        asked.append(new)
        return answer(stepper, new)

    monkeypatch.setattr(Stepper, "__call__", listened_to)
    return asked


@pytest.mark.parametrize(
    ("model", "source", "prefix", "stands_in"),
    [
        (tiny(), sources(1), targets(1, 2), True),
        (tiny(), sources(2), targets(2, 2), False),
        (tiny(), torch.tensor([[4, 5, PAD]]), targets(1, 2), False),
        (tiny(), sources(1), torch.tensor([[PAD, 5]]), False),
        (tiny().double(), sources(1), targets(1, 2), False),
    ],
    ids=["one row", "two rows", "padded source", "padded prefix", "double precision"],
)
def test_numpy_stands_in_for_a_single_plain_row(
    monkeypatch: pytest.MonkeyPatch, model: EncoderDecoder, source: Tensor, prefix: Tensor, stands_in: bool
) -> None:
    asked = listened(monkeypatch)
    drawn = tokens(list(model.generate(source, prefix, 3)))
    one_by_one = [prefix[0].tolist(), *([token] for token in drawn[0, :2].tolist())]
    assert asked == (one_by_one if stands_in else [])


@pytest.mark.parametrize("sizes", [{}, {"d_k": 3, "d_v": 11}, {"heads": 1, "d_ff": 7, "decoder_layers": 3}])
def test_a_token_that_has_to_follow_is_read_with_the_one_before(
    monkeypatch: pytest.MonkeyPatch, sizes: dict[str, int]
) -> None:
    model, source, prefix = tiny(**sizes), sources(1), targets(1, 2)
    asked, lengths = listened(monkeypatch), []

    def every_third_is_five(so_far: Tensor) -> Tensor:
        lengths.append(so_far.shape[1])
        every = torch.ones(1, model.head.out_features, dtype=torch.bool)
        return every if so_far.shape[1] % 3 else torch.arange(model.head.out_features)[None] == 5

    steps = list(model.generate(source, prefix, 40, Sampling(seed=4), allowed=every_third_is_five))
    drawn, logits = tokens(steps), torch.cat([step.logits for step in steps])
    assert drawn[0, 1::3].tolist() == [5] * 13
    assert [len(new) for new in asked[1:7]] == [2, 1, 2, 1, 2, 1]
    assert lengths == list(range(2, 42))  # asked once for each token
    torch.testing.assert_close(logits, of_the_whole(model, source, prefix, drawn), atol=1e-5, rtol=1e-5)
