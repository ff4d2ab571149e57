"""What is said of tunes that were made: what they copied, whether they kept the key, and how they ended."""

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genre_models.melody.compose import DEFAULT_SAMPLING
from genre_models.melody.model import MelodyTransformer
from genre_models.melody.notes import parse
from genre_models.melody.tune import Key, Metre, Note, Tune
from genre_models.melody.variants import Split
from genre_models.melody.vocabulary import END, FIRST_LENGTH, REST
from genre_models.training import melody_report
from genre_models.training.melody_report import (
    SAMPLINGS,
    character,
    describe_runs,
    endings,
    for_app,
    heard,
    in_scale,
    longest_copies,
    make_runs,
    perplexity,
    table,
)

D_MAJOR = Key(2)


def noise(n: int, seed: int, lengths: Sequence[int] = (4, 8, 16)) -> list[Note]:
    rng = np.random.default_rng(seed)
    pitches = [None if pitch == 85 else int(pitch) for pitch in rng.integers(50, 86, n)]
    return [
        Note(pitch, Fraction(1, int(n))) for pitch, n in zip(pitches, rng.choice(lengths, n), strict=True)
    ]


def tune(notes: Sequence[Note], key: Key = D_MAJOR) -> Tune:
    return Tune(tuple(notes), key, Metre(4, 4))


def moved(notes: Sequence[Note], semitones: int) -> list[Note]:
    return [note if note.pitch is None else replace(note, pitch=note.pitch + semitones) for note in notes]


def copied_by_force(run: Sequence[Note], known: Sequence[Sequence[Note]]) -> int:
    def alike(one: Sequence[Note], other: Sequence[Note]) -> bool:
        moves = {
            a.pitch - b.pitch
            for a, b in zip(one, other, strict=True)
            if a.pitch is not None and b.pitch is not None
        }
        same = all(
            a.length == b.length and (a.pitch is None) == (b.pitch is None)
            for a, b in zip(one, other, strict=True)
        )
        return same and len(moves) <= 1

    return max(
        (
            n
            for n in range(1, len(run) + 1)
            for i in range(len(run) - n + 1)
            for notes in known
            for j in range(len(notes) - n + 1)
            if alike(run[i : i + n], notes[j : j + n])
        ),
        default=0,
    )


@pytest.mark.parametrize("semitones", [0, -7, 5, 12])
def test_a_planted_copy_is_found_in_any_key(semitones: int) -> None:
    known = [tune(noise(80, seed)) for seed in range(10)]
    copy = parse("D4:1/8 F4:1/4 G4 A4 R A4:1/16 Bb4:1/16 C5:1/4 A4 G4 F4:1/4 E4:1/8 D4:3/8 E4:1/2 A3:1/4")
    assert len(copy) == 15
    known[4] = tune([*noise(30, 20), *copy, *noise(30, 21)])
    run = [*noise(20, 22), *moved(copy, semitones), *noise(20, 23)]
    plain = noise(40, 24)
    assert longest_copies([plain, run, copy[2:6]], known)[1:] == [15, 4]
    assert longest_copies([plain], known)[0] < 6


def test_other_lengths_and_other_intervals_are_no_copy() -> None:
    known = tune(parse("C4 E4 G4 C5 B4 A4 G4 F4"))
    slower = [replace(note, length=Fraction(1, 4)) for note in known.notes]
    bent = parse("C4 E4 G4 C5 Bb4 A4 G4 F4")
    upside_down = parse("C4 A3 F3 C3 D3 E3 F3 G3")
    assert longest_copies([slower, bent, upside_down, known.notes], [known]) == [0, 4, 1, 8]


def test_a_copy_does_not_run_from_one_tune_into_the_next() -> None:
    first, second = noise(12, 1), noise(12, 2)
    assert longest_copies([[*first, *second]], [tune(first), tune(second)]) == [12]


steps = st.lists(st.builds(Note, st.integers(60, 62), st.sampled_from([Fraction(1, 4), Fraction(1, 8)])))


@given(run=steps, known=st.lists(steps.filter(bool), min_size=1, max_size=3))
def test_longest_copy_is_that_of_looking_everywhere(run: list[Note], known: list[list[Note]]) -> None:
    assert longest_copies([run], [tune(notes) for notes in known]) == [copied_by_force(run, known)]


def test_a_tune_out_of_key_is_seen() -> None:
    inside, outside = parse("D4 E4 F#4 G4 A4 B4 C#5 R"), parse("D4 F4 G#4 C5")
    assert in_scale([(D_MAJOR, inside)]) == 1
    assert in_scale([(D_MAJOR, outside)]) == 0.25
    assert in_scale([(D_MAJOR, inside), (D_MAJOR, outside)]) == pytest.approx(8 / 11)
    assert in_scale([(Key(2, "minor"), parse("D4 F4 Bb4 C5"))]) == 1


def test_heard_is_from_the_lowest_to_the_highest_note() -> None:
    assert heard([tune(parse("G3 R D4")), tune(parse("A5 E4"))]) == (55, 81)


def small(end: float = 0.0) -> MelodyTransformer:
    torch.manual_seed(0)
    model = MelodyTransformer(d_model=8, heads=2, encoder_layers=1, decoder_layers=1, d_ff=8).eval()
    with torch.no_grad():
        model.head.bias[END] = end
    return model


@pytest.fixture
def few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RUNS": 3, "MOST_NOTES": 20, "RUN_NOTES": 12, "SAMPLINGS": SAMPLINGS[:2]}.items():
        monkeypatch.setattr(melody_report, name, value)


def tunes(n: int, seed: int = 0) -> list[Tune]:
    return [tune(noise(30, seed + i, lengths=(8,))) for i in range(n)]


def test_runs_start_as_held_out_tunes_do_with_seeds_of_their_own(few_runs: None) -> None:
    short = tune(noise(9, 7))
    runs = make_runs(small(), [short, *tunes(2)], DEFAULT_SAMPLING, length=12, stop=False)
    assert [run.tune for run in runs] == [*tunes(2), tunes(1)[0]]
    assert [len(run.notes) for run in runs] == [12, 12, 12]
    assert runs[0].notes != runs[2].notes
    assert runs[1].real == list(tunes(2)[1].notes[5:17])


def test_the_share_of_runs_that_end(few_runs: None) -> None:
    assert endings(small(end=-20), DEFAULT_SAMPLING, tunes(4))["ended"] == 0
    ending = endings(small(end=20), DEFAULT_SAMPLING, tunes(4))
    assert ending["ended"] == 1
    assert ending["notes"]["most"] < 20
    assert ending["real_notes"] == {"least": 25, "median": 25.0, "most": 25}


def test_what_is_reported_of_runs(few_runs: None) -> None:
    test = tunes(3, seed=50)
    known = [*tunes(4), replace(test[0], key=Key(5))]
    runs = describe_runs(small(), Split(known, tunes(2, seed=80), test))
    assert [one["top_p"] for one in runs["validation"]] == [one.top_p for one in SAMPLINGS[:2]]
    assert runs["test"]["temperature"] == DEFAULT_SAMPLING.temperature
    assert runs["test"]["real"]["copied"]["most"] == 12
    assert 0 < runs["test"]["real"]["in_scale"] < 1
    assert runs["test"]["real"]["long_copies"] == 0
    assert runs["test"]["model"]["copied"]["most"] < 12
    json.dumps(runs)


def test_long_copies_are_counted(few_runs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(melody_report, "LONG_COPY", 11)
    test = tunes(3, seed=50)
    runs = character(small(), DEFAULT_SAMPLING, test, test[:1])
    assert runs["real"]["long_copies"] == 1
    assert runs["model"]["long_copies"] == 0


def test_the_default_is_among_what_was_compared() -> None:
    assert DEFAULT_SAMPLING in SAMPLINGS


class Certain:
    """Foretells each pitch with probability 1/2, each length with 1/4, the rest with certainty."""

    def token_losses(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        pitch = (target >= REST) & (target < FIRST_LENGTH)
        length = target >= FIRST_LENGTH
        return (pitch * np.log(2) + length * np.log(4))[:, 1:].double()


def test_perplexity_is_per_note_and_its_parts_multiply() -> None:
    one = tune(noise(30, 1, lengths=(8,)))
    result = perplexity(Certain(), [one])
    assert result == pytest.approx({"note": 8, "pitch": 2, "length": 4, "place_and_end": 1, "notes": 25 + 14})


def test_table_and_what_the_app_gets() -> None:
    spread = {"least": 1, "median": 6.5, "most": 14}
    figures = {"in_scale": 0.9774, "copied": spread, "long_copies": 2}
    test = {"note": 8.123, "pitch": 4.0, "length": 2.0, "notes": 9}
    metrics = {
        "corpus": {"split": {"train": 5, "valid": 2, "test": 3}},
        "heard": (55, 88),
        "models": {
            "transformer": {"parameters": 1_400_000, "steps": 4_800, "test": test},
            "3-gram": {"test": test},
        },
        "runs": {
            **{"runs": 100, "run_notes": 64, "most_notes": 256, "long_copy": 12, "validation": []},
            "endings": {"ended": 0.81, "notes": spread, "real_notes": spread},
            "test": {"model": figures, "real": figures},
        },
    }
    shown = table(metrics)
    assert "| transformer | 8.12 | 4.00 | 2.00 | 1,400,000 | 4,800 |" in shown.splitlines()
    assert "| 3-gram | 8.12 | 4.00 | 2.00 |  |  |" in shown.splitlines()
    for said in ("100 tunes", "81% ended within 256 notes", "97.7% of the notes", "over 12 in 2"):
        assert said in shown
    short = for_app(metrics)
    assert (short["tunes"], short["heard"], short["parameters"]) == (5, (55, 88), {"transformer": 1_400_000})
    assert short["perplexity"]["3-gram"] == test
    assert "validation" not in short["runs"]
