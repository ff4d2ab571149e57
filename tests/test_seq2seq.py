"""The encoder-decoder Transformer: masks, teacher forcing, cached generation, loading and saving."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from genre_models.attention import DecoderLayer, EncoderLayer, positional_encoding
from genre_models.seq2seq import EncoderDecoder, Sampling, Step
from tests.test_attention import decoder_twin, encoder_twin

PAD, START, END = 0, 1, 2
SOURCE_VOCAB, TARGET_VOCAB = 23, 19
LIKELIEST = Sampling(temperature=0)


def tiny(**sizes: int) -> EncoderDecoder:
    sizes = {"d_model": 16, "heads": 2, "encoder_layers": 2, "decoder_layers": 2, "d_ff": 32} | sizes
    torch.manual_seed(0)
    return EncoderDecoder(SOURCE_VOCAB, TARGET_VOCAB, **sizes).eval()


def ids(batch: int, length: int, vocab: int, seed: int = 0) -> Tensor:
    return torch.randint(3, vocab, (batch, length), generator=torch.Generator().manual_seed(seed))


def sources(batch: int = 2, length: int = 7) -> Tensor:
    return ids(batch, length, SOURCE_VOCAB)


def targets(batch: int = 2, length: int = 9) -> Tensor:
    return ids(batch, length, TARGET_VOCAB, seed=1)


def padded(row: Tensor, before: int, after: int) -> Tensor:
    return nn.functional.pad(row, (before, after), value=PAD)


def tokens(steps: list[Step]) -> Tensor:
    return torch.stack([step.tokens for step in steps], dim=1)  # (batch, steps)


def test_layers_and_heads_are_counted() -> None:
    assert tiny(heads=2, encoder_layers=1, decoder_layers=3).layers_and_heads == (3, 2)


def test_logits_equal_pytorch_with_the_same_weights() -> None:
    ours, length = tiny(), 9
    layers = [encoder_twin(layer) for layer in ours.encoder if isinstance(layer, EncoderLayer)]
    encoder = nn.TransformerEncoder(layers[0], 2, enable_nested_tensor=False)
    encoder.layers = nn.ModuleList(layers)
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(16, 2), 2)
    decoder.layers = nn.ModuleList(
        decoder_twin(layer) for layer in ours.decoder if isinstance(layer, DecoderLayer)
    )
    source, target = sources(3), targets(3, length)
    source[1, 4:] = PAD
    padding = source == PAD
    memory = encoder.eval()(
        4 * ours.source_embedding(source) + positional_encoding(7, 16), src_key_padding_mask=padding
    )
    x = decoder.eval()(
        4 * ours.target_embedding(target) + positional_encoding(length, 16),
        memory,
        tgt_mask=torch.ones(length, length).triu(1).bool(),
        memory_key_padding_mask=padding,
    )
    expected = ours.head(x)
    torch.testing.assert_close(ours(source, target), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("changed", [1, 4, 8])
def test_a_later_token_changes_no_earlier_prediction(changed: int) -> None:
    model, source, target = tiny(), sources(), targets()
    other = target.clone()
    other[:, changed:] = (target[:, changed:] - 2) % (TARGET_VOCAB - 3) + 3
    before, after = model(source, target), model(source, other)
    torch.testing.assert_close(after[:, :changed], before[:, :changed], atol=1e-6, rtol=0)
    assert not torch.allclose(after[:, changed], before[:, changed], atol=1e-3)


@pytest.mark.parametrize(("before", "after"), [(0, 4), (4, 0), (1, 3)])
def test_padding_on_either_side_changes_nothing(before: int, after: int) -> None:
    model, source, target = tiny(), sources(2, 11), targets(2, 13)
    source[1], target[1] = padded(source[1, :7], before, after), padded(target[1, :9], before, after)
    logits = model(source, target)
    real = slice(before, before + 9)
    alone = model(source[1:, before : before + 7], target[1:, real])
    torch.testing.assert_close(logits[1:, real], alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits[:1], model(source[:1], target[:1]), atol=1e-5, rtol=1e-5)
    losses = model.token_losses(source, target)
    alone_losses = model.token_losses(source[1:, before : before + 7], target[1:, real])
    torch.testing.assert_close(losses[1:, before : before + 8], alone_losses, atol=1e-5, rtol=1e-5)
    assert losses[1].count_nonzero() == 8


def test_attention_sums_to_one_and_is_zero_where_masked() -> None:
    model, source, target = tiny(heads=4, encoder_layers=3), sources(2, 7), targets(2, 9)
    source[1, 5:] = PAD
    target[1, :2] = PAD
    logits, attention = model(source, target, return_attention=True)
    torch.testing.assert_close(logits, model(source, target), atol=1e-5, rtol=1e-5)
    assert [weights.shape for weights in attention.encoder] == [(2, 4, 7, 7)] * 3
    assert [weights.shape for weights in attention.decoder] == [(2, 4, 9, 9)] * 2
    assert [weights.shape for weights in attention.cross] == [(2, 4, 9, 7)] * 2
    for weights in (*attention.encoder, *attention.cross):
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]), atol=1e-5, rtol=0)
        assert torch.equal(weights == 0, (source == PAD)[:, None, None].expand(weights.shape))
    seen = torch.ones(9, 9).tril().bool() & (target != PAD)[:, None, None]  # (batch, 1, 9, 9)
    for weights in attention.decoder:
        expected = seen.any(-1).float().expand(2, 4, 9)  # nothing lies before the first token but PAD
        torch.testing.assert_close(weights.sum(-1), expected, atol=1e-5, rtol=0)
        assert torch.equal(weights != 0, seen.expand(weights.shape))


def test_loss_is_the_mean_over_what_is_foretold() -> None:
    model, source, target = tiny(), sources(), targets()
    target[1, 5:] = PAD
    logits = model(source, target)
    surprises = -logits.log_softmax(dim=-1)
    rows = [surprises[0, range(8), target[0, 1:]], surprises[1, range(4), target[1, 1:5]]]
    torch.testing.assert_close(model.loss(source, target), torch.cat(rows).mean(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("prefix_length", [1, 5])
def test_cached_generation_equals_the_whole_again(prefix_length: int) -> None:
    model = tiny(d_k=3, d_v=11)
    source, prefix = sources(3), targets(3, prefix_length)
    source[1, 4:] = PAD
    source[2, :2] = PAD
    steps = list(model.generate(source, prefix, 40, Sampling(seed=4)))
    target = torch.cat([prefix, tokens(steps)], dim=1)
    logits = model(source, target[:, :-1])[:, prefix_length - 1 :].double()
    logits[:, :, PAD] = -torch.inf
    cached = torch.stack([step.probabilities for step in steps], dim=1)
    torch.testing.assert_close(cached, logits.softmax(dim=-1), atol=1e-5, rtol=0)
    assert not tokens(steps).eq(PAD).any()


def test_attention_of_the_steps_equals_that_of_the_whole() -> None:
    model, source, prefix = tiny(), sources(), targets(2, 3)
    steps = list(model.generate(source, prefix, 6, Sampling(seed=4), return_attention=True))
    target = torch.cat([prefix, tokens(steps)], dim=1)[:, :-1]  # (batch, 8)
    _, whole = model(source, target, return_attention=True)
    read = 0
    for step, queries in zip(steps, (3, 1, 1, 1, 1, 1), strict=True):
        assert step.attention is not None
        for kind, seen in (("encoder", 7), ("decoder", read + queries), ("cross", 7)):
            for ours, expected in zip(getattr(step.attention, kind), getattr(whole, kind), strict=True):
                rows = expected if kind == "encoder" else expected[:, :, read : read + queries, :seen]
                torch.testing.assert_close(ours, rows, atol=1e-5, rtol=0)
        read += queries


def test_a_tune_is_the_same_alone_and_in_a_batch() -> None:
    model, source = tiny(), sources(3, 7)
    source[1, 4:] = PAD
    prefix = targets(3, 4)
    prefix[2, :3] = PAD
    together = tokens(list(model.generate(source, prefix, 30, Sampling(0.9, 12, 0.95, seed=8))))
    for row, (first, length) in enumerate(((0, 7), (0, 4), (3, 7))):
        alone = model.generate(
            source[row : row + 1, :length],
            prefix[row : row + 1, first if row == 2 else 0 :],
            30,
            Sampling(0.9, 12, 0.95, seed=8 + row),
        )
        assert torch.equal(tokens(list(alone))[0], together[row])
    again = model.generate(source, prefix, 30, Sampling(0.9, 12, 0.95, seed=8))
    assert torch.equal(tokens(list(again)), together)
    other = model.generate(source, prefix, 30, Sampling(0.9, 12, 0.95, seed=80))
    assert not torch.equal(tokens(list(other)), together)


def test_greedy_takes_the_likeliest_and_so_does_top_k_of_one() -> None:
    model, source, prefix = tiny(), sources(), targets(2, 1)
    steps = list(model.generate(source, prefix, 20, LIKELIEST))
    for step in steps:
        assert torch.equal(step.tokens, step.probabilities.argmax(dim=-1))
        assert torch.equal(step.sampled_from, nn.functional.one_hot(step.tokens, TARGET_VOCAB).double())
    of_one = list(model.generate(source, prefix, 20, Sampling(top_k=1)))
    assert torch.equal(tokens(of_one), tokens(steps))


def test_drawn_tokens_follow_the_distribution() -> None:
    model, n = tiny(), 4_000
    step = next(model.generate(sources(1).expand(n, -1), targets(1, 1).expand(n, -1), 1, Sampling(1.5, 5)))
    shares = torch.bincount(step.tokens, minlength=TARGET_VOCAB) / n
    assert (step.sampled_from[0] > 0).sum() == 5
    assert torch.equal(shares > 0, step.sampled_from[0] > 0)
    torch.testing.assert_close(shares.double(), step.sampled_from[0], atol=0.04, rtol=0)


def test_rows_stop_each_at_its_end() -> None:
    model, source, prefix = tiny(), sources(8), targets(8, 1)
    free = tokens(list(model.generate(source, prefix, 60, Sampling(seed=1))))
    steps = list(model.generate(source, prefix, 60, Sampling(seed=1), stop=END))
    stopped = tokens(steps)
    ends = [(row == END).nonzero()[0].item() if END in row else 60 for row in free]
    assert len(set(ends)) > 1
    assert stopped.shape[1] == min(60, max(ends) + 1)
    for row, end in enumerate(int(end) for end in ends):
        assert torch.equal(stopped[row, : end + 1], free[row, : end + 1])
        assert (stopped[row, end + 1 :] == PAD).all()
        assert [bool(step.finished[row]) for step in steps] == [i >= end for i in range(len(steps))]


def test_only_what_is_allowed_is_chosen() -> None:
    model, source, prefix = tiny(), sources(), targets(2, 2)
    asked: list[Tensor] = []

    def after_the_last(target: Tensor) -> Tensor:
        asked.append(target)
        return torch.arange(TARGET_VOCAB) == 3 + (target[:, -1:] + 1) % 5

    steps = list(model.generate(source, prefix, 6, Sampling(), allowed=after_the_last))
    target = torch.cat([prefix, tokens(steps)], dim=1)
    assert torch.equal(target[:, 2:], 3 + (target[:, 1:-1] + 1) % 5)
    assert all(torch.equal(seen, target[:, : 2 + i]) for i, seen in enumerate(asked))
    assert all((step.probabilities[:, PAD + 1 :] > 0).all() for step in steps)


def test_nothing_allowed_is_an_error_but_not_for_a_row_that_has_ended() -> None:
    model, source, prefix = tiny(), sources(), targets(2, 1)

    def first_row_ends(target: Tensor) -> Tensor:
        allowed = torch.zeros(2, TARGET_VOCAB, dtype=torch.bool)
        allowed[0, END] = target.shape[1] == 1
        allowed[1, 5] = target.shape[1] < 4
        allowed[1, PAD] = True
        return allowed

    steps = model.generate(source, prefix, 9, stop=END, allowed=first_row_ends)
    assert [next(steps).tokens.tolist() for _ in range(3)] == [[END, 5], [PAD, 5], [PAD, 5]]
    with pytest.raises(ValueError, match="no token is allowed next in row 1"):
        next(steps)


@pytest.mark.parametrize(
    ("prefix", "max_tokens", "sentence"),
    [
        (torch.ones(3, 2, dtype=torch.long), 5, "not a row of tokens for each source"),
        (torch.ones(2, 0, dtype=torch.long), 5, "not a row of tokens for each source"),
        (torch.ones(2, dtype=torch.long), 5, "not a row of tokens for each source"),
        (torch.tensor([[3, 4], [3, PAD]]), 5, "padded before their tokens"),
        (torch.ones(2, 2, dtype=torch.long), 0, "max_tokens is 1 or more, not 0"),
    ],
)
def test_what_cannot_be_carried_on_is_said_at_once(prefix: Tensor, max_tokens: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        tiny().generate(sources(), prefix, max_tokens)


def test_generating_amid_training_leaves_out_dropout_and_goes_on_training() -> None:
    model, source, prefix = tiny(), sources(), targets(2, 1)
    expected = tokens(list(model.generate(source, prefix, 600, LIKELIEST)))
    fresh = tiny().train()
    steps = fresh.generate(source, prefix, 600, LIKELIEST)
    drawn = [next(steps)]
    assert fresh.training
    assert fresh.dropout.training
    fresh.loss(sources(), targets()).backward()
    drawn += steps
    assert torch.equal(tokens(drawn), expected)
    fresh.loss(sources(), targets(2, 600)).backward()
    assert not torch.allclose(fresh(sources(), targets()), fresh(sources(), targets()))  # dropout


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    model = tiny(d_k=3, d_v=11)
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["source_vocab"], config["d_k"], config["d_v"]) == (SOURCE_VOCAB, 3, 11)
    assert load_file(tmp_path / "model.safetensors").keys() == model.state_dict().keys()
    loaded = EncoderDecoder.from_pretrained(tmp_path)
    assert torch.equal(loaded(sources(), targets()), model(sources(), targets()))
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises((ValueError, FileNotFoundError)):
        EncoderDecoder.from_pretrained(tmp_path)  # what may be a pickle is not opened


def test_it_learns_to_turn_a_sequence_round() -> None:
    torch.manual_seed(0)
    model = EncoderDecoder(11, 11, 32, 4, 1, 1, 64, dropout=0.0)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)

    def task(batch: int) -> tuple[Tensor, Tensor]:
        source = torch.randint(3, 11, (batch, 6))
        edges = torch.full((batch, 1), START), torch.full((batch, 1), END)
        return source, torch.cat([edges[0], source.flip(1), edges[1]], dim=1)

    for _ in range(250):
        optimiser.zero_grad()
        model.loss(*task(48)).backward()
        optimiser.step()
    source, target = task(50)
    steps = list(model.generate(source, target[:, :1], 12, LIKELIEST, stop=END))
    assert len(steps) == 7
    right = (tokens(steps) == target[:, 1:]).all(dim=1)
    assert right.float().mean() >= 0.95
