"""The 3-gram: probabilities that sum to one, Kneser-Ney as in the book, and the same in every key."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import torch

from genre_models.melody.tune import HIGHEST, LOWEST, Key, Metre, Note, Tune
from genre_models.melody.vocabulary import (
    END,
    LENGTH_IDS,
    PAD,
    PITCH_IDS,
    START,
    encode,
    encode_source,
    is_place,
)
from genre_models.training.melody_data import Examples, encode_tune
from genre_models.training.melody_report import TARGET_TOKENS, perplexity
from genre_models.training.ngram import BackOff, NGram, Recipe

PITCH = ("mode", "degree", "step", "place", "length", "earlier_length")
LENGTH = ("metre", "place", "length", "earlier_length", "pitch")
RECIPE = Recipe(PITCH, LENGTH, 0.75)
COMMON = Metre(4, 4)


def tune(pitches: Sequence[int | None], seed: int = 0) -> Tune:
    lengths = np.random.default_rng(seed).choice([4, 8, 16], len(pitches))
    notes = (Note(pitch, Fraction(1, int(n))) for pitch, n in zip(pitches, lengths, strict=True))
    return Tune(tuple(notes), Key(0), COMMON)


def walks(n: int, seed: int = 0) -> list[Tune]:
    """Tunes that go up and down the scale."""
    rng = np.random.default_rng(seed)
    scale = [60, 62, 64, 65, 67, 69, 71, 72, 74, None]
    made = []
    for i in range(n):
        places = np.clip(np.cumsum(rng.choice([-1, 1, 1, 2, -2], 30)) + 3, 0, 9)
        made.append(tune([scale[place] for place in places], seed=i))
    return made


def fitted(tunes: Sequence[Tune], recipe: Recipe = RECIPE) -> NGram:
    return NGram([encode_tune(one) for one in tunes], recipe)


def test_back_off_by_hand() -> None:
    seen = [((1, 2), 0)] * 3 + [((1, 2), 1)] + [((1, 3), 1)] * 2
    model = BackOff(seen, 4, discount=0.5)
    base = np.full(4, 1 / 4)
    # outcome 0 followed one context of one number, outcome 1 one too: each counts once
    nothing = np.array([0.5, 0.5, 0, 0]) / 2 + 0.5 * 2 / 2 * base
    # after 1, outcome 0 was seen in one longer context and outcome 1 in two
    one = np.array([0.5, 1.5, 0, 0]) / 3 + 0.5 * 2 / 3 * nothing
    two = np.array([2.5, 0.5, 0, 0]) / 4 + 0.5 * 2 / 4 * one
    np.testing.assert_allclose(model.probabilities(()), nothing)
    np.testing.assert_allclose(model.probabilities((1,)), one)
    np.testing.assert_allclose(model.probabilities((1, 2)), two)
    np.testing.assert_allclose(model.probabilities((1, 9)), one)
    np.testing.assert_allclose(model.probabilities((8, 2)), nothing)


def test_perplexity_of_a_tiny_corpus_by_hand() -> None:
    """One tune, eight times middle C: 7 of 8 times C follows C, once the end; C also follows nothing."""
    known = Tune((Note(60, Fraction(1, 4)),) * 8, Key(0), COMMON)
    model = fitted([known], Recipe(("degree",), ("length",), discount=0.5))
    any_pitch, any_length = 1 / 177, 1 / 24
    again = 6.5 / 8 + 1 / 8 * (1.5 / 3 + 1 / 3 * any_pitch)
    end = 0.5 / 8 + 1 / 8 * (0.5 / 3 + 1 / 3 * any_pitch)
    on_piano = 1 - 87 * 1 / 8 * 1 / 3 * any_pitch  # 87 of the 177 intervals and signs lead off the piano
    length = 6.5 / 7 + 0.5 / 7 * (1.5 / 2 + 0.5 / 2 * any_length)
    assert perplexity(model, [known]) == pytest.approx(
        {
            "note": on_piano / again / length * (on_piano / end) ** (1 / 3),
            "pitch": on_piano / again,
            "length": 1 / length,
            "place_and_end": (on_piano / end) ** (1 / 3),
            "notes": 3,
        }
    )


def test_probabilities_sum_to_one_over_the_vocabulary() -> None:
    tunes = walks(20)
    model = fitted(tunes)
    notes, key = walks(1, seed=9)[0].notes, Key(0)
    for cut in range(6, 20):
        source = encode_source(notes[:5], key, COMMON)
        target = [START, *encode(notes[5:cut], COMMON, Fraction(0))]
        pitch = model.probabilities(source, target)
        length = model.probabilities(source, [*target, PITCH_IDS[64]])
        assert pitch.sum() == pytest.approx(1)
        assert length.sum() == pytest.approx(1)
        assert (pitch[list(PITCH_IDS.values())] > 0).all()
        assert pitch[END] > 0
        assert pitch[list(LENGTH_IDS.values())].sum() == 0
        assert (length[list(LENGTH_IDS.values())] > 0).all()


@pytest.mark.parametrize("outermost", [LOWEST, HIGHEST])
def test_only_notes_of_the_piano_have_probability(outermost: int) -> None:
    model = fitted(walks(10))
    source = encode_source([Note(outermost)] * 2, Key(0), COMMON)
    probabilities = model.probabilities(source, [START])
    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[[PITCH_IDS[outermost], END]].min() > 0


def test_what_was_seen_often_is_likely() -> None:
    known = tune([60, 64, 67, 72] * 5)
    notes = [Note(note.pitch, Fraction(1, 8)) for note in known.notes]
    model = fitted([Tune(tuple(notes), Key(0), COMMON)] * 3)
    source = encode_source(notes[:5], Key(0), COMMON)
    assert model.probabilities(source, [START])[PITCH_IDS[64]] > 0.9
    assert model.probabilities(source, [START, PITCH_IDS[64]])[LENGTH_IDS[Fraction(1, 8)]] > 0.9


@pytest.mark.parametrize("semitones", [-24, -5, 3, 12])
def test_all_keys_and_octaves_are_alike(semitones: int) -> None:
    model, held_out = fitted(walks(20)), walks(3, seed=5)
    moved = [one.transposed(semitones) for one in held_out]
    assert perplexity(model, moved) == pytest.approx(perplexity(model, held_out), rel=1e-6)


def test_losses_are_the_surprises_and_later_tokens_change_none() -> None:
    model = fitted(walks(20))
    (source, target), *_ = Examples(walks(2, seed=3), 40).held_out(8)
    losses = model.token_losses(source, target)
    given, tokens = source[0].tolist(), target[0].tolist()
    for i in range(1, len(tokens)):
        if tokens[i] == PAD or is_place(tokens[i]):
            assert losses[0, i - 1] == 0
        else:
            surprise = -math.log(model.probabilities(given, tokens[:i])[tokens[i]])
            assert float(losses[0, i - 1]) == pytest.approx(surprise, rel=1e-5)
    torch.testing.assert_close(model.token_losses(source, target[:, :10]), losses[:, :9])


def test_more_of_the_same_tunes_foretell_better() -> None:
    held_out = walks(10, seed=7)
    few, many = (perplexity(fitted(walks(n, seed=1)), held_out)["note"] for n in (2, 60))
    assert many < few < 2 * TARGET_TOKENS
