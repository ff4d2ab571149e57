"""Beam search over the cached decoder: what it promises, against every target there is and against greedy."""

from itertools import product

import pytest
import torch
from torch import Tensor

from genre_models.beam import Beams, Hypothesis, beam_search
from genre_models.sampling import Sampling
from genre_models.seq2seq import EncoderDecoder

PAD, START, END = 0, 1, 2
VOCAB, LONGEST = 6, 3


@pytest.fixture(scope="module")
def model() -> EncoderDecoder:
    torch.manual_seed(4)
    model = EncoderDecoder(
        VOCAB, VOCAB, d_model=16, heads=2, encoder_layers=1, decoder_layers=2, d_ff=32, dropout=0.3
    )
    with torch.no_grad():
        model.head.weight.mul_(3)  # far from uniform
    return model.double().eval()


@pytest.fixture(scope="module")
def sources() -> Tensor:
    return torch.tensor([[3, 4, 5, 3, 5], [5, 3, PAD, PAD, PAD], [4, 4, 3, PAD, PAD]])


def every_target(model: EncoderDecoder, source: Tensor, beams: Beams) -> list[Hypothesis]:
    """All targets up to the most tokens, each through the ordinary forward call; the best score first."""
    others = [token for token in range(VOCAB) if token not in {PAD, END}]
    found = []
    for n in range(beams.max_tokens + 1):
        for tokens in product(others, repeat=n):
            ended = n < beams.max_tokens
            target = torch.tensor([[START, *tokens, *([END] if ended else [])]])
            logits = model(source[None], target[:, :-1])
            logits[..., PAD] = -torch.inf
            log_p = logits.log_softmax(-1).gather(2, target[:, 1:, None]).sum().item()
            found.append(Hypothesis(tokens, log_p, beams.score(log_p, target.shape[1] - 1), ended))
    return sorted(found, key=lambda one: -one.score)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@torch.no_grad()
def test_a_beam_as_wide_as_the_tree_finds_the_best_of_all_targets(
    model: EncoderDecoder, sources: Tensor, alpha: float
) -> None:
    beams = Beams(width=VOCAB**LONGEST, max_tokens=LONGEST, alpha=alpha)
    found = beam_search(model, sources[:1], START, END, beams)[0]
    expected = every_target(model, sources[0], beams)
    assert [one.tokens for one in found] == [one.tokens for one in expected]
    assert [one.ended for one in found] == [one.ended for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-9)
        assert one.score == pytest.approx(other.score, abs=1e-9)


def test_all_probability_is_shared_by_the_targets_of_the_whole_tree(
    model: EncoderDecoder, sources: Tensor
) -> None:
    beams = Beams(width=VOCAB**LONGEST, max_tokens=LONGEST, alpha=0.0)
    for found in beam_search(model, sources, START, END, beams):
        total = torch.tensor([one.log_probability for one in found]).exp().sum()
        assert total.item() == pytest.approx(1.0, abs=1e-6)


def greedy(model: EncoderDecoder, source: Tensor, max_tokens: int) -> tuple[int, ...]:
    prefix = torch.tensor([[START]])
    steps = model.generate(source[None], prefix, max_tokens, Sampling(temperature=0), stop=END)
    return tuple(token for step in steps if (token := int(step.tokens[0])) != END)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_single_beam_is_greedy_decoding(model: EncoderDecoder, sources: Tensor, alpha: float) -> None:
    found = beam_search(model, sources, START, END, Beams(1, 12, alpha))
    assert [[one.tokens for one in each] for each in found] == [
        [greedy(model, source, 12)] for source in sources
    ]


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_sources_in_a_batch_do_not_change_one_another(
    model: EncoderDecoder, sources: Tensor, width: int
) -> None:
    beams = Beams(width, 10)
    together = beam_search(model, sources, START, END, beams)
    for source, found in zip(sources, together, strict=True):
        alone = beam_search(model, source[None, source != PAD], START, END, beams)[0]
        assert [one.tokens for one in alone] == [one.tokens for one in found]
        for one, other in zip(alone, found, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-9)


@pytest.mark.parametrize("width", [2, 4])
@torch.no_grad()
def test_scores_are_those_of_the_ordinary_forward_call(
    model: EncoderDecoder, sources: Tensor, width: int
) -> None:
    beams = Beams(width, 8, alpha=0.7)
    for source, found in zip(sources, beam_search(model, sources, START, END, beams), strict=True):
        assert 1 <= len(found) <= width
        assert len({one.tokens for one in found}) == len(found)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        for one in found:
            target = torch.tensor([[START, *one.tokens, *([END] if one.ended else [])]])
            logits = model(source[None], target[:, :-1])
            logits[..., PAD] = -torch.inf
            log_p = logits.log_softmax(-1).gather(2, target[:, 1:, None]).sum().item()
            assert one.log_probability == pytest.approx(log_p, abs=1e-9)
            length = target.shape[1] - 1
            assert one.score == pytest.approx(log_p / ((5 + length) / 6) ** 0.7, abs=1e-9)
            assert one.ended or length == 8


def test_the_length_penalty_is_that_of_the_paper() -> None:
    assert Beams(alpha=0.0).score(-3.0, 9) == -3.0
    assert Beams(alpha=1.0).score(-3.0, 7) == pytest.approx(-1.5)  # (5 + 7) / 6 = 2
    assert Beams(alpha=0.6).score(-3.0, 1) == -3.0  # (5 + 1) / 6 = 1


def test_a_model_in_training_searches_without_dropout_and_goes_on_training(
    model: EncoderDecoder, sources: Tensor
) -> None:
    expected = beam_search(model, sources, START, END)
    model.train()
    try:
        assert beam_search(model, sources, START, END) == expected
        assert model.training
    finally:
        model.eval()


@pytest.mark.parametrize(
    "wrong",
    [{"width": 0}, {"max_tokens": 0}, {"alpha": -0.1}, {"alpha": float("nan")}, {"alpha": float("inf")}],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="or more"):
        Beams(**wrong)  # type: ignore[arg-type]
