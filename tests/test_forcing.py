"""Teacher forcing and masks on a few notes are those of the running model."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genre_models.classifiers import TransformerClassifier
from genre_models.inside.positions import positions
from genre_models.melody import MelodyTransformer, notes, vocabulary
from genre_models.melody.compose import COMMON_TIME, WINDOW_NOTES
from genre_models.melody.forcing import FEWEST_NOTES, MOST_FORETOLD, cut, lesson
from genre_models.melody.tune import Key, Metre, Note
from genre_models.melody.vocabulary import PAD, START

TYPED = notes.parse("A5 E5 C#5:1/4 B3 G6")
JIG = Metre(6, 8)
D_MAJOR = Key(2)


@pytest.fixture(scope="module")
def model() -> MelodyTransformer:
    torch.manual_seed(0)
    return MelodyTransformer(d_model=16, heads=2, encoder_layers=2, decoder_layers=3, d_ff=16).eval()


def test_the_notes_of_the_course_are_cut_in_two() -> None:
    n_read, window = cut(TYPED, COMMON_TIME)
    assert n_read == 2
    assert vocabulary.decode(window.source) == TYPED[:2]
    assert window.target[0] == START
    assert vocabulary.decode(window.target[1:]) == TYPED[2:]


@given(st.integers(FEWEST_NOTES, 200))
def test_a_tune_of_any_length_is_cut_where_both_halves_have_notes(n: int) -> None:
    tune = [Note(60 + i % 12) for i in range(n)]
    n_read, window = cut(tune, JIG, D_MAJOR)
    read = vocabulary.decode(window.source)
    foretold = vocabulary.decode(window.target[1:])
    assert 1 <= len(read) <= WINDOW_NOTES
    assert 1 <= len(foretold) <= MOST_FORETOLD
    assert [*read, *foretold] == tune[n_read - len(read) :]
    places = [token for token in (*window.source, *window.target) if vocabulary.is_place(token)]
    whole = [token for token in vocabulary.encode(tune, JIG) if vocabulary.is_place(token)]
    assert places == whole[-len(places) :], "places count from the first note of the tune"


def test_one_note_cannot_be_cut() -> None:
    with pytest.raises(ValueError, match="cannot be cut"):
        cut(TYPED[:1], COMMON_TIME)


def test_what_is_right_is_fed_next(model: MelodyTransformer) -> None:
    taught = lesson(model, TYPED, COMMON_TIME)
    fed, right = ([getattr(step, name) for step in taught.steps] for name in ("fed", "right"))
    assert fed == ["start", *right[:-1]]
    assert right == ["C#5", "1/4", "| + 1/2", "B3", "1/8", "| + 5/8", "G6", "1/8", "| + 3/4"]
    assert taught.read + taught.foretold == TYPED


def test_shares_are_those_that_training_would_see(model: MelodyTransformer) -> None:
    """The mean of their negative logarithms is the loss, but for padding, which the model must not say."""
    _, window = cut(TYPED, COMMON_TIME, D_MAJOR)
    source, target = torch.tensor([window.source]), torch.tensor([window.target])
    logits = model(source, target[:, :-1])[0]
    logits[:, PAD] = -torch.inf
    expected = logits.softmax(dim=-1)[torch.arange(target.shape[1] - 1), target[0, 1:]]
    taught = lesson(model, TYPED, COMMON_TIME, D_MAJOR)
    assert [step.share for step in taught.steps] == pytest.approx(expected.tolist(), abs=1e-6)
    likeliest = [vocabulary.label(token) for token in logits.argmax(dim=-1).tolist()]
    assert [step.likeliest for step in taught.steps] == likeliest
    assert [step.is_right for step in taught.steps] == [
        step.right == said for step, said in zip(taught.steps, likeliest, strict=True)
    ]


@pytest.mark.parametrize("padding", [0, 3])
def test_the_model_looks_exactly_where_the_mask_lets_it(model: MelodyTransformer, padding: int) -> None:
    _, window = cut(TYPED, COMMON_TIME)
    visible = lesson(model, TYPED, COMMON_TIME).visible(padding)
    target = torch.tensor([window.target[:-1] + [PAD] * padding])
    _, attention = model(torch.tensor([window.source]), target, True)
    for weights in attention.decoder:
        looked = weights[0].amax(dim=0).detach().numpy() > 0  # (queries, keys)
        np.testing.assert_array_equal(looked, visible)


def test_positions_are_what_the_encoder_adds() -> None:
    model = TransformerClassifier(d_model=32, heads=4)
    known = positions(model)
    torch.testing.assert_close(torch.from_numpy(known.pattern), model.positions)
    assert known.times_s[0] == 0
    assert known.times_s[-1] == pytest.approx(129 * 1024 / 22_050)
    assert known.nearest(3.0) == 65
    assert known.nearest(99.0) == 129


def test_likeness_depends_on_the_distance_alone() -> None:
    known = positions(TransformerClassifier())
    for frame in (40, 64):
        likeness = known.likeness(frame)
        assert likeness[frame] == pytest.approx(1)
        assert likeness.argmax() == frame
        np.testing.assert_allclose(
            likeness[frame - 40 : frame], likeness[frame + 1 : frame + 41][::-1], atol=1e-4
        )
    np.testing.assert_allclose(known.likeness(40)[:81], known.likeness(60)[20:101], atol=1e-4)
