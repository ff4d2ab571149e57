"""A tune from the wish to what is shown of it, without the page."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import av
import gradio as gr
import numpy as np
import pytest
import torch

from genre_models.melody import MelodyTransformer, Request, engraving, notes
from genre_models.melody.flac import flac
from genre_models.melody.keys import likely_key
from genre_models.melody.tune import Note
from genre_models.melody.tunes import (
    Composition,
    Repertoire,
    Wish,
    load_repertoire,
    what_follows,
)
from genre_models.ui.melody import MelodyTab
from genre_models.ui.presets import PRESETS


@pytest.fixture(scope="module")
def model() -> MelodyTransformer:
    torch.manual_seed(0)
    return MelodyTransformer(d_model=16, heads=2, encoder_layers=1, decoder_layers=2, d_ff=16).eval()


def composed(model: MelodyTransformer, wish: Wish) -> Composition:
    composition = Composition(wish.request())
    for _ in composition.batches(model):
        pass
    return composition


@pytest.mark.parametrize(
    ("melody", "key"),
    [
        ("C4 D4 E4 F4 G4 A4 B4 C5:1/2", "C major"),
        ("A4:1/2 B4 C5 D5 E5:1/4 F5 E5 D5 C5 B4 G#4 A4:1/2", "A minor"),
        ("Bb4:1/2 C5 D5 Eb5 F5:1/4 G5 A5 Bb5:1/2", "Bb major"),
        ("R R", "C major"),
    ],
)
def test_the_likely_key_is_the_one_a_musician_names(melody: str, key: str) -> None:
    assert likely_key(notes.parse(melody)).name == key


def test_a_wish_that_cannot_be_granted_is_refused() -> None:
    for wish, words in (
        (Wish("H9"), "letter from A to G"),
        (Wish("A4", length=513), "513"),
        (Wish("A4", key="X major"), "no key 'X major'"),
        (Wish("A4", metre="7/8"), "no metre '7/8'"),
        (Wish("A4", seed=2**60), "seed"),
        (Wish("A4", top_p=0), "top_p"),
        (Wish("A4", temperature=50), "0 to 2, not 50"),
        (Wish("A4", temperature=float("nan")), "0 to 2, not nan"),
    ):
        with pytest.raises(ValueError, match=words):
            wish.request()


def test_a_tune_is_in_the_key_asked_for_and_names_its_seed(model: MelodyTransformer) -> None:
    made = composed(model, Wish("A4 B4", length=8, seed=5, key="D dorian", metre="6/8"))
    assert (made.tune.key.name, made.tune.metre.name, made.tune.title) == ("D dorian", "6/8", "Tune 5")
    assert made.tune.notes[:2] == tuple(notes.parse("A4 B4"))
    assert len(made.notes) == 10
    assert made.tokens_per_second > 0


def test_of_a_length_and_top_k_the_whole_part_counts(model: MelodyTransformer) -> None:
    assert len(composed(model, Wish("A4 B4", length=20.7, top_k=5.5)).row.notes) == 20


def test_a_stopped_tune_keeps_what_is_there(model: MelodyTransformer) -> None:
    made = Composition(Wish("A4", length=512).request())
    batches = made.batches(model)
    next(batches)
    made.is_stopped = True
    list(batches)
    assert 0 < len(made.row.notes) < 512


def test_what_follows_is_a_distribution(model: MelodyTransformer) -> None:
    follows = what_follows(model, composed(model, Wish("A4 B4", length=8)))
    assert follows.pitches.sum() + follows.end == pytest.approx(1, abs=1e-5)
    assert follows.lengths.sum() == pytest.approx(1, abs=1e-5)


def test_the_whole_tune_or_its_beginning_can_be_carried_on(model: MelodyTransformer) -> None:
    made = composed(model, Wish("A4 B4", length=12))
    assert made.up_to(4) == (notes.write(made.notes[:4]), 0)
    assert notes.parse(made.up_to(14)[0]) == made.notes


def test_of_a_long_tune_whole_bars_are_left_out() -> None:
    made = Composition(Request(notes.parse("A4:1/4 " * 300) + notes.parse("C5:1/4")))
    text, left_out = made.up_to(301)
    assert left_out == 4
    assert len(notes.parse(text)) == 297


def test_notes_outside_what_was_heard_are_named() -> None:
    repertoire = Repertoire(55, 88, 3000)
    assert repertoire.warnings(notes.parse("G3 E6 R")) == []
    assert repertoire.warnings(notes.parse("G6 A4 G6"))[0].startswith("G6 is outside")
    assert repertoire.warnings(notes.parse("G6 F#3"))[0].startswith("F#3, G6 are outside")
    assert Repertoire().warnings(notes.parse("A0")) == []


def test_what_was_heard_is_read_from_the_metrics(tmp_path: Path) -> None:
    assert load_repertoire(tmp_path) == Repertoire()
    (tmp_path / "metrics.json").write_text('{"tunes": 3000, "heard": [55, 88]}')
    assert load_repertoire(tmp_path) == Repertoire(55, 88, 3000)


def test_sheet_music_is_drawn_outside_the_main_thread(model: MelodyTransformer) -> None:
    tune = composed(model, Wish("A4 B4", length=8)).tune
    with ThreadPoolExecutor(1) as pool:
        drawn = pool.submit(engraving.svg, tune).result()
    assert drawn == engraving.svg(tune)
    assert drawn.count('class="notehead"') >= 8


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.title)
def test_a_beginning_fills_its_bars_in_its_key(preset: object) -> None:
    assert isinstance(preset, type(PRESETS[0]))
    request = Wish(preset.notes, key=preset.key, metre=preset.metre).request()
    if request.key is None:
        return
    assert sum(note.length for note in request.notes) % request.metre.bar == 0
    assert {note.pitch % 12 for note in request.notes if note.pitch is not None} <= request.key.scale
    assert all(isinstance(note, Note) for note in request.notes)


def test_without_weights_the_tab_says_how_to_train_them() -> None:
    with gr.Blocks() as page:
        MelodyTab(None, Repertoire())
    (said,) = (block for block in page.blocks.values() if isinstance(block, gr.HTML))
    assert "python train.py melody" in said.value


def test_flac_holds_every_sample() -> None:
    samples = np.random.default_rng(0).integers(-30_000, 30_000, (50_001, 2), dtype=np.int16)
    with av.open(BytesIO(flac(48_000, samples)), "r") as file:
        parts = [frame.to_ndarray() for frame in file.decode(audio=0)]
        assert file.streams.audio[0].rate == 48_000
    assert np.array_equal(np.concatenate(parts, axis=1).reshape(-1, 2), samples)
