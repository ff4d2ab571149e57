"""Tunes carried on: the same with the same seed, in full bars, window by window, and open to inspection."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
import torch

from genre_models.melody import vocabulary
from genre_models.melody.compose import (
    DEFAULT_SAMPLING,
    MOST_NEW_NOTES,
    WINDOW_NOTES,
    Continuation,
    NextNote,
    Request,
    attention,
    continue_all,
    continue_tune,
    continue_tunes,
)
from genre_models.melody.model import MelodyTransformer
from genre_models.melody.notes import LENGTHS, parse
from genre_models.melody.tune import Key, Metre, Note
from genre_models.melody.vocabulary import BAR, END, START, VocabularyError
from genre_models.sampling import Sampling

GIVEN = parse("A5 E5 C#5 B3 G6")
JIG = Metre(6, 8)


def model(seed: int = 0) -> MelodyTransformer:
    torch.manual_seed(seed)
    return MelodyTransformer(d_model=16, heads=2, encoder_layers=2, decoder_layers=2, d_ff=32).eval()


def request(
    notes: Sequence[Note] = GIVEN,
    length: int = 20,
    seed: int = 0,
    key: Key | None = None,
    metre: Metre = JIG,
    stop: bool = False,
) -> Request:
    sampling = replace(DEFAULT_SAMPLING, seed=seed)
    return Request(notes, length, key, metre, sampling=sampling, stop=stop)


def carried_on(asked: Request, tunes: int = 1, seed: int = 0) -> list[Continuation]:
    made = [Continuation() for _ in range(tunes)]
    for _ in continue_tunes(model(seed), asked, into=made):
        pass
    return made


def notes(made: Continuation) -> list[Note]:
    return [one.note for one in made.notes]


def test_same_seed_same_tune() -> None:
    first, again, other = (list(continue_tune(model(), request(seed=seed))) for seed in (1, 1, 2))
    assert len(first) == 20
    assert first == again != other


def test_tune_i_of_several_is_what_its_seed_gives_alone() -> None:
    together = carried_on(request(length=68, seed=5), tunes=2)
    alone = [list(continue_tune(model(), request(length=68, seed=5 + i))) for i in range(2)]
    assert [notes(made) for made in together] == alone
    assert alone[0] != alone[1]


def test_tunes_with_notes_of_their_own_are_made_together() -> None:
    asked = [request(length=66), request(parse("D4 F4 A4:1/4"), 30, key=Key(2, "minor"), metre=Metre(4, 4))]
    made = [Continuation() for _ in asked]
    for _ in continue_all(model(), asked, made):
        pass
    assert notes(made[0]) == list(continue_tune(model(), asked[0]))
    assert notes(made[1]) == list(
        continue_tune(model(), replace(asked[1], sampling=Sampling(top_p=0.95, seed=1)))
    )
    with pytest.raises(ValueError, match="one sampling"):
        continue_all(model(), [request(seed=0), request(seed=1)], made)


def test_notes_come_one_at_a_time() -> None:
    made = [Continuation(), Continuation()]
    seen = [0, 0]
    for new in continue_tunes(model(), request(length=5), into=made):
        assert any(new)
        for i, one in enumerate(new):
            seen[i] += one is not None
            assert len(made[i].notes) == seen[i]
            assert one is None or made[i].notes[-1] is one
    assert seen == [5, 5]


@pytest.mark.parametrize("length", [1, WINDOW_NOTES, WINDOW_NOTES + 1])
def test_as_many_notes_as_asked_for(length: int) -> None:
    (made,) = carried_on(request(length=length))
    assert len(made.notes) == length
    assert not made.ended


def test_the_model_may_end_a_tune_unless_told_to_go_on() -> None:
    willing = model()
    with torch.no_grad():
        willing.head.bias[END] = 4.0
    made, going_on = [Continuation() for _ in range(4)], [Continuation()]
    for _ in continue_tunes(willing, request(length=80, stop=True), into=made):
        pass
    for _ in continue_tunes(willing, request(length=80, stop=False), into=going_on):
        pass
    assert all(one.ended and len(one.notes) < 80 and one.windows[-1].target[-1] == END for one in made)
    assert len(going_on[0].notes) == 80
    assert not going_on[0].ended


def test_a_long_tune_comes_in_windows_and_the_encoder_reads_from_a_bar_line() -> None:
    (made,) = carried_on(request(length=130))
    assert len(made.windows) == 3
    written = [vocabulary.decode(window.target) for window in made.windows]
    assert [len(part) for part in written] == [64, 64, 2]
    assert [note for part in written for note in part] == notes(made)
    whole = [*GIVEN, *notes(made)]
    positions = list(accumulate((note.length for note in whole), initial=Fraction(0)))
    for i, window in enumerate(made.windows):
        read = vocabulary.decode(window.source)
        end = len(GIVEN) + WINDOW_NOTES * i
        start = end - len(read)
        assert read == [replace(note, flat=False) for note in whole[start:end]]
        assert 0 < len(read) <= WINDOW_NOTES
        assert positions[start] % JIG.bar == 0
        assert window.target[0] == START


def bars(tokens: Sequence[int], first: Fraction) -> list[Fraction]:
    """How long each bar is that a bar line ends, the first filled up by what stands before it."""
    lengths, now = [], first
    for token in tokens:
        if vocabulary.is_length(token):
            now += LENGTHS[token - vocabulary.FIRST_LENGTH]
        elif token == BAR:
            lengths.append(now)
            now = Fraction(0)
    return lengths


@pytest.mark.parametrize("metre", [JIG, Metre(4, 4), Metre(3, 4)])
@pytest.mark.parametrize("position", [Fraction(0), Fraction(1, 8)])
def test_every_bar_is_full(metre: Metre, position: Fraction) -> None:
    given = parse("D4 E4 F#4:1/16")
    asked = replace(request(given, 40, metre=metre), position=position)
    for made in carried_on(asked, tunes=2):
        before = position + sum(note.length for note in given)
        full = bars(made.windows[0].target, before)
        assert len(full) > 5
        assert set(full) == {metre.bar}


def test_next_note_probabilities() -> None:
    (made,) = carried_on(request(length=70))
    for one in made.notes:
        assert one.pitches.shape == (89,)
        assert one.lengths.shape == (24,)
        assert one.pitches.sum() + one.end == pytest.approx(1)
        assert one.lengths.sum() == pytest.approx(1)
        assert min(one.pitches.min(), one.end, one.lengths.min()) >= 0


def test_probabilities_are_the_models_own_at_the_place_of_the_note() -> None:
    (made,) = carried_on(request(length=8))
    window, third = made.windows[0], made.notes[2]
    assert isinstance(third, NextNote)
    at = [i for i, token in enumerate(window.target) if vocabulary.is_pitch(token)][2]
    logits = model()(torch.tensor([window.source]), torch.tensor([window.target[:at]]))[0, -1]
    ids = [*range(vocabulary.REST, vocabulary.FIRST_LENGTH), END]
    expected = logits[ids].double().softmax(-1).detach().numpy()
    np.testing.assert_allclose([*third.pitches, third.end], expected, atol=1e-5)


def test_attention_of_a_window() -> None:
    (made,) = carried_on(request(length=70))
    window = made.windows[1]
    weights = attention(model(), window)
    s, t = len(window.source), len(window.target)
    assert [one.shape for one in weights.encoder] == [(1, 2, s, s)] * 2
    assert [one.shape for one in weights.decoder] == [(1, 2, t, t)] * 2
    assert [one.shape for one in weights.cross] == [(1, 2, t, s)] * 2
    for one in (*weights.encoder, *weights.decoder, *weights.cross):
        torch.testing.assert_close(one.sum(-1), torch.ones(one.shape[:-1]), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("key", "given", "flat"),
    [
        (Key(10), GIVEN, True),
        (Key(2), parse("Bb4 A4"), False),
        (None, parse("Bb4 A4"), True),
        (None, GIVEN, False),
    ],
)
def test_black_keys_are_written_as_the_key_or_the_notes_have_them(
    key: Key | None, given: list[Note], flat: bool
) -> None:
    (made,) = carried_on(request(given, 40, key=key))
    names = {one.name[1] for one in notes(made) if one.pitch is not None and len(one.name) > 2}
    assert ("b" if flat else "#") in names
    assert ("#" if flat else "b") not in names


def test_without_a_key_the_model_is_told_that_it_may_be_any() -> None:
    assert carried_on(request(length=1))[0].windows[0].source[0] == vocabulary.ANY_KEY
    known = carried_on(request(length=1, key=Key(7, "dorian")))[0]
    assert vocabulary.label(known.windows[0].source[0]) == "G dorian"


def test_wrong_requests() -> None:
    with pytest.raises(ValueError, match="no notes"):
        Request([])
    for length in (0, MOST_NEW_NOTES + 1, 20.5):
        with pytest.raises(ValueError, match="1 to 512 notes"):
            Request(GIVEN, length)  # type: ignore[arg-type]
    with pytest.raises(VocabularyError, match="7/8"):
        next(continue_tune(model(), request(metre=Metre(7, 8))))
    with pytest.raises(VocabularyError, match="length 1/5"):
        next(continue_tune(model(), request([Note(60, Fraction(1, 5))])))
