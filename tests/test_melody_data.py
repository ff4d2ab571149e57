"""Training examples: what the encoder reads and what the decoder must say fit together, in every key."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import torch

from genre_models.melody.tune import HIGHEST, LOWEST, MODES, Key, Metre, Note, Tune
from genre_models.melody.vocabulary import (
    ANY_KEY,
    BAR,
    END,
    PAD,
    START,
    VocabularyError,
    decode,
    encode,
    encode_source,
    label,
)
from genre_models.training.batching import Batch
from genre_models.training.melody_data import Examples, draw, encode_tune, transposed

PITCHES = (62, 64, 66, 67, 69, 71, 73, 74, None, 78)

D_MAJOR = Key(2)


def tune(n_notes: int = 60, key: Key = D_MAJOR, low: int = 0) -> Tune:
    notes = []
    for i in range(n_notes):
        pitch = PITCHES[i * i % len(PITCHES)]
        notes.append(Note(None if pitch is None else pitch + low, Fraction(1, 8 if i % 3 else 4)))
    return Tune((Note(69), *notes[1:]), key, Metre(6, 8), Fraction(1, 8))


def rows(batch: Batch) -> list[tuple[list[int], list[int]]]:
    sources, targets = batch
    return [
        ([i for i in source if i != PAD], [i for i in target if i != PAD])
        for source, target in zip(sources.tolist(), targets.tolist(), strict=True)
    ]


def sizes(row: tuple[list[int], list[int]]) -> int:
    return len(row[0])


def test_held_out_examples_are_the_tune_cut_in_two() -> None:
    one = tune()
    (batch,) = Examples([one], target_tokens=1000).held_out(batch_size=8)
    for (source, target), n_notes in zip(sorted(rows(batch), key=sizes), (5, 16, 48), strict=True):
        position = Fraction(5, 8)
        start = sum((note.length for note in one.notes[:n_notes]), position) % one.metre.bar
        assert source == encode_source(one.notes[:n_notes], one.key, one.metre, position)
        assert target == [START, *encode(one.notes[n_notes:], one.metre, start), END]


def test_held_out_examples_are_always_the_same() -> None:
    examples = Examples([tune(50), tune(70), tune(20)], target_tokens=40)
    first, again = (list(examples.held_out(2)) for _ in range(2))
    assert sum(len(source) for source, _ in first) == 3 + 3 + 2
    for (source, target), (other_source, other_target) in zip(first, again, strict=True):
        assert torch.equal(source, other_source)
        assert torch.equal(target, other_target)


def test_batches_are_padded_int64_and_hold_every_tune_once() -> None:
    examples = Examples([tune(n) for n in range(20, 60)], target_tokens=50)
    batches = list(examples.batches(16, np.random.default_rng(0)))
    assert sorted(len(source) for source, _ in batches) == [8, 16, 16]
    for source, target in batches:
        assert source.dtype == target.dtype == torch.int64
        assert len(source) == len(target)
        assert target[:, 0].eq(START).all()
        assert target.shape[1] <= 51
        for ids in (source, target):
            padding = ids.eq(PAD).int()
            assert padding.diff(dim=1).ge(0).all()
            assert not padding[:, 0].any()


def test_little_is_padding() -> None:
    examples = Examples([tune(n) for n in range(20, 148)] * 8, target_tokens=256)
    batches = list(examples.batches(16, np.random.default_rng(1)))
    padding = sum(int(ids.eq(PAD).sum()) for batch in batches for ids in batch)
    assert padding < 0.25 * sum(ids.numel() for batch in batches for ids in batch)


def test_same_generator_same_batches() -> None:
    examples = Examples([tune(n) for n in range(20, 40)], target_tokens=50)
    first, again, other = (list(examples.batches(8, np.random.default_rng(seed))) for seed in (0, 0, 1))
    assert all(
        torch.equal(a, b)
        for one, two in zip(first, again, strict=True)
        for a, b in zip(one, two, strict=True)
    )
    assert [rows(batch) for batch in first] != [rows(batch) for batch in other]


def test_source_and_target_are_neighbours_in_one_key() -> None:
    one, rng = encode_tune(tune()), np.random.default_rng(2)
    written = [note.pitch for note in tune().notes]
    for _ in range(200):
        source, target = draw(one, 10_000, rng)
        assert (target[0], target[-1]) == (START, END)
        played = [note.pitch for note in decode([*source, *target[1:]])]
        known = written[len(written) - len(played) :]
        moves = {a - b for a, b in zip(played, known, strict=True) if a is not None and b is not None}
        assert len(moves) == 1
        assert [a is None for a in played] == [b is None for b in known]
        if source[0] != ANY_KEY:
            assert label(int(source[0])) == Key((2 + moves.pop()) % 12).name


def test_runs_start_at_bar_lines_or_with_the_tune() -> None:
    one, rng = encode_tune(tune()), np.random.default_rng(3)
    line_after = {0, *(i + 1 for i in np.flatnonzero(one.ids == BAR))}
    starts = Counter(len(one.ids) - sum(map(len, draw(one, 10_000, rng))) + 4 for _ in range(300))
    assert set(starts) <= line_after
    assert starts[0] > 80
    assert len(starts) > 10


def test_bar_starts_are_where_a_note_begins_on_the_line() -> None:
    notes = [Note(60, Fraction(1, 4))] * 4 + [Note(62, Fraction(1, 2))] * 4
    across = Tune(tuple(notes), Key(0), Metre(3, 4))
    assert encode_tune(across).bar_starts.tolist() == [0, 3, 5]


def test_short_runs_are_common_and_all_runs_have_4_to_64_notes() -> None:
    one, rng = encode_tune(tune(120)), np.random.default_rng(4)
    lengths = np.array([len(decode(draw(one, 50, rng)[0])) for _ in range(400)])
    assert (lengths.min(), lengths.max()) == (4, 64)
    assert 0.3 < (lengths <= 8).mean() < 0.5


def test_some_examples_do_not_tell_their_key() -> None:
    one, rng = encode_tune(tune()), np.random.default_rng(5)
    keys = Counter(int(draw(one, 50, rng)[0][0]) for _ in range(400))
    assert 30 < keys[ANY_KEY] < 90
    assert len(keys) == 13


def test_targets_are_cut_off_or_end() -> None:
    one, rng = encode_tune(tune()), np.random.default_rng(6)
    for _ in range(100):
        _, target = draw(one, 30, rng)
        assert (len(target) == 31) or (target[-1] == END)


@pytest.mark.parametrize("low", [LOWEST - 62, HIGHEST - 78])
def test_all_notes_stay_on_the_piano(low: int) -> None:
    one, rng = encode_tune(tune(low=low)), np.random.default_rng(7)
    for _ in range(100):
        source, target = draw(one, 1000, rng)
        assert decode([*source, *target[1:]])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("semitones", [-6, -1, 5])
def test_transposing_tokens_is_transposing_the_tune(mode: str, semitones: int) -> None:
    one = tune(key=Key(2, mode))
    ours = transposed(encode_tune(one).example(0, 10, 1000), semitones)
    theirs = encode_tune(one.transposed(semitones)).example(0, 10, 1000)
    assert [ids.tolist() for ids in ours] == [ids.tolist() for ids in theirs]


def test_a_tune_without_tokens_is_refused() -> None:
    with pytest.raises(VocabularyError, match="metre 7/8"):
        encode_tune(Tune(tune().notes, Key(2), Metre(7, 8)))
