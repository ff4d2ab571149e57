"""Variants of a tune stay together, whatever their key, title, notation or small changes."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from genre_models.melody.tune import Key, Metre, Note, Tune
from genre_models.melody.variants import families, split, title_words

SCALE = (0, 2, 4, 5, 7, 9, 11)


def tune(seed: int, n_notes: int = 80) -> Tune:
    """Random notes of a scale; two such tunes share no long run."""
    rng = np.random.default_rng(seed)
    degrees = rng.integers(-5, 10, n_notes)
    lengths = rng.choice([8, 16], n_notes)
    notes = tuple(
        Note(int(67 + 12 * (d // 7) + SCALE[d % 7]), Fraction(1, int(n)))
        for d, n in zip(degrees, lengths, strict=True)
    )
    return Tune(notes, Key(7), Metre(4, 4), title=f"Number {seed}")


OTHERS = [tune(seed) for seed in range(100, 130)]


def related(one: Tune, other: Tune) -> bool:
    numbers = families([one, *OTHERS, other])
    return numbers[0] == numbers[-1]


def changed(one: Tune, places: range, title: str = "Another") -> Tune:
    """With another note at these places."""
    notes = list(one.notes)
    for i in places:
        pitch = notes[i].pitch
        assert pitch is not None
        notes[i] = replace(notes[i], pitch=pitch + 3)
    return replace(one, notes=tuple(notes), title=title)


def test_different_tunes_are_families_of_their_own() -> None:
    assert len(set(families(OTHERS))) == len(OTHERS)
    assert families([]) == []
    assert families(OTHERS[:1]) == [0]


def test_another_key_and_notation() -> None:
    one = tune(1)
    twice_as_long = tuple(replace(note, length=note.length * 2) for note in one.notes)
    assert related(one, replace(one.transposed(5), title="Another"))
    assert related(one, replace(one, notes=twice_as_long, title="Another"))


def test_another_rhythm() -> None:
    one = tune(2)
    even = tuple(Note(note.pitch) for note in one.notes)
    assert related(one, replace(one, notes=even, title="Another"))


def test_a_shared_section() -> None:
    one, other = tune(3), tune(4)
    notes = other.notes[:40] + one.notes[20:40] + other.notes[40:]
    assert related(one, replace(other, notes=notes))
    notes = other.notes[:40] + one.notes[20:26] + other.notes[40:]
    assert not related(one, replace(other, notes=notes))


def test_a_note_changed_in_every_second_bar() -> None:
    one = tune(5)
    assert related(one, changed(one, range(5, 80, 11)))
    assert not related(one, changed(one, range(0, 80, 3)))


def test_the_same_title() -> None:
    first, second = (replace(tune(seed), title=title) for seed, title in ((6, "The Blue Reel"), (7, "Blue")))
    assert related(first, second)
    assert not related(replace(first, title=""), replace(second, title=""))


def test_phrases_that_many_tunes_have_make_no_family() -> None:
    common = tune(8).notes[:13]
    tunes = [replace(other, notes=common + other.notes[:20]) for other in map(tune, range(200, 245))]
    assert len(set(families(tunes))) == len(tunes)
    assert len(set(families(tunes[:20]))) == 1


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Piper's Fancy, The -- Reel", "pipers fancy"),
        ("The Piper’s fancy.", "pipers fancy"),
        ("Pipers Fancy (2nd setting)", "pipers fancy"),
        ("An gréasaí", "greasai"),
        ("", ""),
    ],
)
def test_titles_are_compared_by_their_words(title: str, words: str) -> None:
    assert title_words(title) == words


def test_split_keeps_families_together_and_every_tune_once() -> None:
    tunes = [tune(seed, 20) for seed in range(300)]
    numbers = [int(i**0.9) for i in range(300)]
    parts = split(tunes, numbers, seed=3)
    homes = {one.title: home for home, part in enumerate(parts) for one in part}
    assert len(homes) == sum(map(len, parts)) == 300
    by_family = Counter({(number, homes[one.title]) for number, one in zip(numbers, tunes, strict=True)})
    assert len(by_family) == len(set(numbers))
    assert len(parts.test) == pytest.approx(30, abs=3)
    assert len(parts.valid) == pytest.approx(30, abs=3)


def test_split_is_the_same_for_the_same_seed() -> None:
    tunes = OTHERS[:20]
    numbers = list(range(20))
    assert split(tunes, numbers, seed=1) == split(tunes, numbers, seed=1)
    assert split(tunes, numbers, seed=1) != split(tunes, numbers, seed=2)


def test_a_family_too_large_to_hold_out_is_trained_on() -> None:
    tunes = OTHERS[:20]
    parts = split(tunes, [0] * 15 + [1, 2, 3, 4, 5], seed=0)
    assert set(tunes[:15]) <= set(parts.train)
    assert (len(parts.valid), len(parts.test)) == (2, 2)
