"""Attention between notes, made of attention between tokens."""

import numpy as np
import pytest
import torch

from genre_models.melody import MelodyTransformer, compose, notes, vocabulary
from genre_models.melody.compose import Continuation, Request, Window, continue_tunes
from genre_models.melody.looking import Group, Looks, groups, likely, looks, note_maps
from genre_models.melody.tune import Key, Metre, Note
from genre_models.melody.vocabulary import END, START

SEED = notes.parse("A4 C#5 Bb4 R E5 A5 A4 A4 G4")
JIG = Metre(6, 8)
N_NEW = 70  # more than one window


@pytest.fixture(scope="module")
def model() -> MelodyTransformer:
    torch.manual_seed(0)
    return MelodyTransformer(d_model=16, heads=2, encoder_layers=2, decoder_layers=3, d_ff=16).eval()


@pytest.fixture(scope="module")
def made(model: MelodyTransformer) -> Continuation:
    row = Continuation()
    request = Request(SEED, N_NEW, Key(9, "minor"), JIG, stop=False)
    for _ in continue_tunes(model, request, into=[row]):
        pass
    return row


@pytest.fixture(scope="module")
def tune(made: Continuation) -> list[Note]:
    return [*SEED, *(one.note for one in made.notes)]


@pytest.fixture(scope="module")
def looked(model: MelodyTransformer, made: Continuation, tune: list[Note]) -> Looks:
    return looks(model, tune, len(SEED), made.windows, 0)


def test_tokens_are_grouped_as_notes() -> None:
    tokens = vocabulary.encode_source(SEED[:4], Key(9, "minor"), JIG)
    found = groups(tokens, SEED, first=20)
    assert [group.name for group in found] == [
        "A minor",
        "6/8 time",
        "A4 (note 21)",
        "C#5 (note 22)",
        "Bb4 (note 23)",
        "R (note 24)",
    ]
    assert [group.note for group in found] == [None, None, 20, 21, 22, 23]
    assert [token for group in found for token in group.tokens] == list(range(len(tokens)))


def test_end_and_an_unfinished_note_are_in_no_group() -> None:
    whole = [START, *vocabulary.encode(SEED[:2], JIG)]
    for more in ([END], [vocabulary.PITCH_IDS[60]]):
        assert groups([*whole, *more], SEED) == groups(whole, SEED)


def test_a_note_whose_place_is_not_written_yet_is_a_note() -> None:
    tokens = [START, *vocabulary.encode(SEED[:2], JIG)][:-1]
    found = groups(tokens, SEED)
    assert [group.label for group in found] == ["start", "A4", "C#5"]
    assert [token for group in found for token in group.tokens] == list(range(len(tokens)))


def test_rows_are_means_and_columns_sums() -> None:
    weights = np.array(
        [
            [
                [1.0, 0, 0, 0, 0],
                [0.5, 0.5, 0, 0, 0],
                [0.1, 0.3, 0.6, 0, 0],
                [0.2, 0.2, 0.2, 0.4, 0],
                [0, 0, 0, 0, 1],
            ]
        ]
    )
    first, note, other = Group("start", (0,)), Group("A4", (1, 2), 0), Group("B4", (3, 4), 1)
    (maps,) = note_maps([weights], [note, other], [first, note, other])
    np.testing.assert_allclose(maps, [[[0.3, 0.7, 0.0], [0.1, 0.2, 0.7]]])


def test_every_row_shares_out_one(looked: Looks) -> None:
    for maps, n_layers in ((looked.encoder, 2), (looked.decoder, 3), (looked.cross, 3)):
        assert len(maps.layers) == n_layers
        for layer in maps.layers:
            assert layer.shape == (2, len(maps.queries), len(maps.keys))
            np.testing.assert_allclose(np.nansum(layer, axis=2), 1, atol=1e-5)


def test_notes_keep_their_names_and_places_in_the_tune(
    model: MelodyTransformer, made: Continuation, tune: list[Note]
) -> None:
    assert len(made.windows) == 2
    first, second = (looks(model, tune, len(SEED), made.windows, place) for place in (0, 1))
    new = compose.WINDOW_NOTES
    assert [group.note for group in first.cross.queries] == list(range(len(SEED), len(SEED) + new))
    assert [group.note for group in second.cross.queries] == list(range(len(SEED) + new, len(tune)))
    read = [group.note for group in second.encoder.queries]
    assert read[-1] == len(SEED) + new - 1
    assert read == list(range(read[0] or 0, len(SEED) + new))
    for maps in (first.encoder, first.decoder, first.cross, second.encoder, second.cross):
        for group in (*maps.queries, *maps.keys):
            assert group.note is None or group.label == tune[group.note].name
        assert len({group.name for group in maps.keys}) == len(maps.keys)
    assert looks(model, tune, len(SEED), made.windows).cross.queries == second.cross.queries


def test_a_note_looks_before_its_own_tokens_were_known(
    looked: Looks, model: MelodyTransformer, made: Continuation
) -> None:
    window = made.windows[0]
    pitch = next(i for i, token in enumerate(window.target) if vocabulary.is_pitch(token))
    weights = compose.attention(model, window).cross[1][0].numpy()  # (heads, targets, sources)
    mean = (weights[:, pitch - 1] + weights[:, pitch]) / 2
    np.testing.assert_allclose(looked.cross.layers[1][:, 0, 0], mean[:, 0], atol=1e-6)


def test_what_follows_is_blank_and_what_went_before_is_not(looked: Looks) -> None:
    maps = looked.decoder
    for layer in maps.layers:
        for row, query in enumerate(maps.queries):
            for column, key in enumerate(maps.keys):
                future = key.note is not None and query.note is not None and key.note > query.note
                assert np.isnan(layer[:, row, column]).all() == future
    assert not any(np.isnan(layer).any() for layer in (*looked.encoder.layers, *looked.cross.layers))


def test_weights_over_the_tune(looked: Looks, tune: list[Note]) -> None:
    note = len(SEED) + 4
    cross, masked = looked.cross.layers[0][0], looked.decoder.layers[0][0]
    seed = looked.cross.over_tune(cross, note, len(tune))
    assert np.isfinite(seed).sum() == len(looked.encoder.queries)
    assert np.isnan(seed[len(SEED) :]).all()
    new = looked.decoder.over_tune(masked, note, len(tune))
    assert np.flatnonzero(np.isfinite(new)).tolist() == list(range(len(SEED), note + 1))
    assert np.nansum(new) == pytest.approx(1 - masked[4, 0], abs=1e-5)  # less start
    with pytest.raises(KeyError):
        looked.cross.over_tune(cross, 0, len(tune))


def test_nothing_to_see_before_the_first_note(model: MelodyTransformer) -> None:
    source = vocabulary.encode_source(SEED, None, JIG)
    with pytest.raises(ValueError, match="not added a note"):
        looks(model, SEED, len(SEED), [Window(source, [START])])


def test_probabilities_by_name(made: Continuation) -> None:
    one = made.notes[0]
    pitches, lengths = likely(one, flat=True)
    assert sum(pitches.values()) == pytest.approx(1)
    assert sum(lengths.values()) == pytest.approx(1)
    assert pitches["Bb4"] == one.pitches[vocabulary.PITCHES.index(70)]
    assert pitches["end"] == one.end
    assert set(lengths) == {str(length) for length in notes.LENGTHS}
