"""How the models of words are measured: what the figures mean, shown on models of which they are known."""

from typing import Any

import numpy as np
import pytest
import torch

from genre_models.beam import Beams
from genre_models.training.words_data import Sentences
from genre_models.training.words_pairs import Pair
from genre_models.training.words_report import alignment, doubts, evenness, foretold
from genre_models.words import Doubt, TranslationTransformer
from genre_models.words.asking import MOST_PIECES
from genre_models.words.vocabulary import PAD
from tests.phrases import PAIRS, SMALL, VERBS, VOCABULARY, WHEN


def test_perplexity_is_that_of_a_model_which_knows_nothing() -> None:
    class Uniform:
        def token_losses(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return torch.where(target[:, 1:] == PAD, 0.0, float(np.log(50)))

    text = " ".join(pair.source for pair in PAIRS)
    found = foretold(Uniform(), [text, text], VOCABULARY, 16)
    assert found["piece"]["perplexity"] == pytest.approx(50)
    assert found["piece"]["interval"] == pytest.approx([50, 50])
    assert found["pieces"] == 2 * (len(VOCABULARY.encode(text)) - 16)
    nats = found["pieces"] * np.log(50)
    assert np.exp(nats / found["words"]) == pytest.approx(found["word"]["perplexity"])


def test_the_head_that_points_at_what_is_copied_is_found() -> None:
    torch.manual_seed(0)
    model = TranslationTransformer(len(VOCABULARY), **SMALL).with_words(VOCABULARY, frozenset()).eval()
    found = alignment(model, PAIRS)
    assert found["words"] == len(VERBS) * len(WHEN)  # only "Django" stands on both sides
    shares = np.array(found["shares"])
    assert shares.shape == (SMALL["decoder_layers"], SMALL["heads"])
    assert shares[found["layer"], found["head"]] == shares.max()
    assert alignment(model, [pair for pair in PAIRS if "Django" not in pair.source]) == {}


def test_what_the_app_says_decides_where_a_phrase_is_counted() -> None:
    torch.manual_seed(0)
    seen = frozenset({"save", "the", "file"})
    model = TranslationTransformer(len(VOCABULARY), **SMALL).with_words(VOCABULARY, seen).eval()
    known, strange = Pair("Save the file", "Sauver le fichier"), Pair("Zorblax", "Zorblax")
    endless = Pair("the " * (MOST_PIECES + 1), "le")
    found = doubts(model, {"valid": [known, known, strange, endless], "test": [strange]}, Beams(1, 8))
    assert found["valid"]["refused"] == 1
    of_part = {part: found[part]["against"] for part in ("valid", "test")}
    counted = {part: {why: one["phrases"] for why, one in of_part[part].items()} for part in of_part}
    assert counted == {"valid": {Doubt.UNSEEN: 1, Doubt.UNLIKELY: 2}, "test": {Doubt.UNSEEN: 1}}
    assert all(0 <= one["chrF"]["score"] <= 100 for part in of_part.values() for one in part.values())


@pytest.mark.parametrize(("scale", "lowest", "highest"), [(0.0, 1.0, 1.0), (1e4, 0.0, 0.1)])
def test_evenness_is_1_for_an_even_look_and_0_for_one_at_a_single_piece(
    scale: float, lowest: float, highest: float
) -> None:
    torch.manual_seed(0)
    model = TranslationTransformer(len(VOCABULARY), **SMALL).with_words(VOCABULARY, frozenset()).eval()
    cross: Any = model.decoder[0]
    cross.cross_attention.w_q.weight.data *= scale
    lone = Pair("x", "Sauver le fichier")
    pairs = [PAIRS[0], Pair("Save", "Sauver"), Pair("Save the book now and later", "plus tard"), lone]
    found = evenness(model, Sentences(pairs, VOCABULARY, 64).held_out(8))
    assert found["pieces"] == sum(len(VOCABULARY.encode(pair.target)) + 1 for pair in pairs[:-1])
    heads = np.array(found["heads"])
    assert heads.shape == (SMALL["decoder_layers"], SMALL["heads"])
    assert lowest - 1e-6 <= heads.min() <= heads.max() <= highest + 1e-6
    sharpest = found["sharpest"]
    assert heads[sharpest["layer"], sharpest["head"]] == sharpest["evenness"] == heads.min()
    assert evenness(model, Sentences([lone], VOCABULARY, 64).held_out(8)) == {}
