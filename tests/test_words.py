"""Translating and carrying prose on: what the library promises to a page, and what it refuses."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genre_models.beam import Beams, Hypothesis
from genre_models.hub import load_text, load_translation
from genre_models.melody import MelodyTransformer
from genre_models.sampling import Sampling
from genre_models.seq2seq import EncoderDecoder
from genre_models.words import (
    TextTransformer,
    TranslationTransformer,
    VocabularyError,
    WordsError,
    continue_text,
    translate,
)
from genre_models.words.asking import MOST_CHARACTERS, MOST_PIECES
from genre_models.words.looking import Looks, merge
from genre_models.words.translate import SURE_FROM, Candidate, Doubt, Translation
from genre_models.words.vocabulary import END, START, Cut, Vocabulary, Word, plain_words

TEXTS = ["Save the file", "Delete the file", "Enregistrer le fichier", "Supprimer le fichier été"] * 5
SIZES: dict[str, Any] = {"d_model": 16, "heads": 2, "encoder_layers": 2, "decoder_layers": 3, "d_ff": 32}
SEEN = frozenset(word for text in TEXTS for word in plain_words(text))


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.learn(TEXTS, 300)


@pytest.fixture(scope="module")
def translator(vocabulary: Vocabulary) -> TranslationTransformer:
    torch.manual_seed(0)
    return TranslationTransformer(len(vocabulary), "fr", **SIZES).with_words(vocabulary, SEEN).eval()


@pytest.fixture(scope="module")
def writer(vocabulary: Vocabulary) -> TextTransformer:
    torch.manual_seed(1)
    return TextTransformer(len(vocabulary), "en", **SIZES).with_words(vocabulary, SEEN).eval()


# One network, three uses --------------------------------------------------------------------------------


def test_music_translation_and_text_are_the_same_network(vocabulary: Vocabulary) -> None:
    words = [use(len(vocabulary), **SIZES) for use in (TranslationTransformer, TextTransformer)]
    for model in words:
        music = MelodyTransformer(**SIZES)
        assert isinstance(music, EncoderDecoder)
        assert isinstance(model, EncoderDecoder)
        assert list(model.state_dict()) == list(music.state_dict())
        assert [type(module) for module in model.modules()][1:] == [
            type(module) for module in music.modules()
        ][1:]
        for method in ("forward", "token_losses", "generate", "read", "next_logits"):
            assert getattr(type(model), method) is getattr(EncoderDecoder, method)
            assert getattr(type(music), method) is getattr(EncoderDecoder, method)


# Translating --------------------------------------------------------------------------------------------


def test_candidates_come_best_first_with_their_probabilities(translator: TranslationTransformer) -> None:
    found = translate(translator, "Save the file", Beams(4, 12))
    assert found.source.text == "Save the file"
    assert 1 <= len(found.candidates) <= 4
    scores = [one.score for one in found.candidates]
    assert scores == sorted(scores, reverse=True)
    assert found.best is found.candidates[0]
    for one in found.candidates:
        assert 0 < one.probability <= 1
        assert one.text == one.cut.text.strip()


def test_no_text_stands_twice_among_the_candidates(
    translator: TranslationTransformer, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = vocabulary.encode("file"), [vocabulary.encode(letter)[0] for letter in "file"]
    assert whole != parts
    found = [
        Hypothesis(tuple(ids), -float(rank), -float(rank), True)
        for rank, ids in enumerate((whole, parts, vocabulary.encode("the")), start=1)
    ]
    monkeypatch.setattr(import_module("genre_models.words.translate"), "beam_search", lambda *_: [found])
    made = translate(translator, "Save the file")
    assert [one.text for one in made.candidates] == ["file", "the"]
    assert made.best.probability == pytest.approx(np.exp(-1))


def test_unlikely_pieces_and_words_never_seen_are_doubted(
    translator: TranslationTransformer, vocabulary: Vocabulary
) -> None:
    def made(text: str, per_piece: float) -> Translation:
        source, target = (vocabulary.cut(vocabulary.encode(one)) for one in (text, "Delete the file"))
        candidate = Candidate(target, per_piece ** (len(target.ids) + 1), -1.0, ended=True)
        assert candidate.per_piece == pytest.approx(per_piece)
        return Translation(translator, source, (candidate,), ())

    for sure in (made("Save the file", SURE_FROM + 0.001), made("Save the zorblax", 0.99)):
        assert sure.why_doubted is sure.doubt is None
    unlikely = made("Save the file", SURE_FROM - 0.001)
    assert unlikely.why_doubted is Doubt.UNLIKELY
    assert "59%" in (unlikely.doubt or "")
    for per_piece in (0.99, SURE_FROM - 0.001):
        unseen = made("Save zorblax", per_piece)
        assert unseen.why_doubted is Doubt.UNSEEN
        assert "no training text" in (unseen.doubt or "")


def test_what_was_looked_at_has_the_words_of_both_sides(translator: TranslationTransformer) -> None:
    found = translate(translator, "Save the unseen file", Beams(2, 12))
    assert found.looks is not None
    check_looks(found.looks, found.source, found.best.cut)
    assert len(found.source.words) == 4 < len(found.source.pieces)


def check_looks(looks: Looks, source: Cut, target: Cut) -> None:
    layers, heads = SIZES["decoder_layers"], SIZES["heads"]
    for maps, s, t in (
        (looks.pieces, len(source.pieces), len(target.pieces)),
        (looks.words, len(source.words), len(target.words)),
    ):
        assert maps.encoder.shape == (SIZES["encoder_layers"], heads, s, s)
        assert maps.decoder.shape == (layers, heads, t, 1 + t)
        assert maps.cross.shape == (layers, heads, t, s)
        for weights in (maps.encoder, maps.decoder, maps.cross):
            np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)


@torch.no_grad()
def test_a_row_is_what_was_looked_at_when_its_piece_was_foretold(
    translator: TranslationTransformer, vocabulary: Vocabulary
) -> None:
    found = translate(translator, "Save the file", Beams(2, 12))
    looks = found.looks_for(found.best)
    assert looks is not None
    ids = found.best.cut.ids
    for i in range(len(ids)):
        target = torch.tensor([[START, *ids[:i]]])
        _, attention = translator(torch.tensor([found.source.ids]), target, return_attention=True)
        for layer, weights in enumerate(attention.cross):
            np.testing.assert_allclose(looks.pieces.cross[layer, :, i], weights[0, :, -1], atol=1e-5)
        for layer, weights in enumerate(attention.decoder):
            seen = looks.pieces.decoder[layer, :, i]
            np.testing.assert_allclose(seen[:, : i + 1], weights[0, :, -1], atol=1e-5)
            assert not seen[:, i + 1 :].any()


def test_attention_to_a_word_is_the_sum_and_of_a_word_the_mean_over_its_pieces() -> None:
    weights = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    merged = merge(weights, [Word("a", 0, 2), Word("b", 2, 3)], [Word("x", 0, 2), Word("y", 2, 3)])
    np.testing.assert_allclose(merged, [[0.65, 0.35], [0.0, 1.0]])


def test_words_never_seen_in_training_are_named(translator: TranslationTransformer) -> None:
    known = translate(translator, "Save the file.", Beams(1, 12)).warnings
    assert not [one for one in known if "training" in one]
    first = translate(translator, "Save the Zebra, zebra!", Beams(1, 12)).warnings[0]
    assert first.startswith("“zebra” was")
    assert "save" not in first.casefold()
    many = translate(translator, "a b c d e f g h", Beams(1, 12)).warnings[0]
    assert "“e” and others" in many
    assert "“f”" not in many


def test_a_translation_that_comes_to_no_end_says_so(
    translator: TranslationTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        bias = translator.head.bias.detach().clone()
        bias[END] = -1e4
        patch.setattr(translator.head.bias, "data", bias)
        found = translate(translator, "Save the file", Beams(2, 5))
    assert not found.best.ended
    assert len(found.best.cut.ids) == 5
    assert "cut off" in found.warnings[-1]


# What is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((text, "nothing to read") for text in ("", "   ", "\n\t")),
        *((text, "no words") for text in ("?!", "—", "😀😀")),
    ],
)
def test_nothing_to_read_is_refused_in_words(
    translator: TranslationTransformer, writer: TextTransformer, text: str, said: str
) -> None:
    for ask in (lambda: translate(translator, text), lambda: continue_text(writer, text)):
        with pytest.raises(WordsError, match=said):
            ask()


def test_too_long_a_phrase_is_refused_with_the_limit(translator: TranslationTransformer) -> None:
    with pytest.raises(WordsError, match=f"{MOST_PIECES + 1} pieces.* {MOST_PIECES}"):
        translate(translator, " ".join(["the"] * (MOST_PIECES + 1)))
    assert translate(translator, " ".join(["the"] * MOST_PIECES), Beams(1, 2)).candidates


def test_endless_text_and_half_characters_are_refused(writer: TextTransformer) -> None:
    with pytest.raises(WordsError, match=f"{MOST_CHARACTERS:,}"):
        continue_text(writer, "a" * (MOST_CHARACTERS + 1))
    with pytest.raises(WordsError, match="half a character"):
        continue_text(writer, "file \ud83d")


@pytest.mark.parametrize("length", [0, -1, MOST_PIECES + 1])
def test_a_length_out_of_range_is_refused(writer: TextTransformer, length: int) -> None:
    with pytest.raises(ValueError, match=str(MOST_PIECES)):
        continue_text(writer, "Save", length)


# Carrying prose on --------------------------------------------------------------------------------------


def test_pieces_add_up_to_the_text_and_are_the_same_again(writer: TextTransformer) -> None:
    made = continue_text(writer, "Save the file", 30, Sampling(seed=3))
    steps = list(made)
    assert "".join(step.piece for step in steps) == made.text == steps[-1].text
    assert len(steps) == len(made.ids) <= 30
    assert list(made) == steps
    assert list(continue_text(writer, "Save the file", 30, Sampling(seed=3))) == steps
    assert list(continue_text(writer, "Save the file", 30, Sampling(seed=4))) != steps


def test_each_step_tells_the_likeliest_pieces(writer: TextTransformer) -> None:
    for step in continue_text(writer, "Save", 8, Sampling(temperature=0)):
        probabilities = [probability for _, probability in step.likeliest]
        assert len(probabilities) == 5
        assert probabilities == sorted(probabilities, reverse=True)
        assert step.probability == pytest.approx(probabilities[0])


def test_it_can_be_looked_at_while_it_writes(writer: TextTransformer) -> None:
    made = continue_text(writer, "Save the file", 12)
    assert made.looks() is None
    for n, _ in enumerate(made, start=1):
        looks = made.looks()
        assert looks is not None
        assert looks.pieces.cross.shape[2] == n
        check_looks(looks, made.source, made.target)


def test_only_the_last_pieces_of_a_long_text_are_read(writer: TextTransformer) -> None:
    long = "Delete " + " ".join(["the file"] * MOST_PIECES)
    made = continue_text(writer, long, 5)
    assert len(made.source.ids) == MOST_PIECES
    assert f"the last {MOST_PIECES}" in made.warnings[-1]
    assert list(made) == list(continue_text(writer, " ".join(["the file"] * MOST_PIECES), 5))


# With the weights ---------------------------------------------------------------------------------------


def test_a_saved_model_translates_the_same(translator: TranslationTransformer, tmp_path: Path) -> None:
    translator.save_pretrained(tmp_path / "translate")
    again = load_translation(tmp_path)
    assert again is not None
    assert (again.language, again.seen) == ("fr", SEEN)
    text = "Save the été"
    ours, theirs = translate(translator, text), translate(again, text)
    assert [one.cut for one in theirs.candidates] == [one.cut for one in ours.candidates]
    assert theirs.warnings == ours.warnings
    assert load_text(tmp_path) is None


def test_a_vocabulary_of_another_size_is_refused(vocabulary: Vocabulary) -> None:
    with pytest.raises(VocabularyError, match=str(len(vocabulary))):
        TranslationTransformer(len(vocabulary) + 1, **SIZES).with_words(vocabulary, SEEN)
