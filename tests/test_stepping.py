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
    asked: list[Tensor] = []
    answer = Stepper.__call__

    def listened_to(stepper: Stepper, token: Tensor) -> Tensor:
        asked.append(token)
        return answer(stepper, token)

    monkeypatch.setattr(Stepper, "__call__", listened_to)
    drawn = tokens(list(model.generate(source, prefix, 3)))
    assert [int(token) for token in asked] == (drawn[0, :2].tolist() if stands_in else [])
