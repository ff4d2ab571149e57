"""Of the models of words: how well translations match a person's, and how well prose is foretold."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

from genre_models.beam import Beams
from genre_models.training.teacher_forcing import Batch, Foreteller, answers
from genre_models.training.words_data import Runs
from genre_models.training.words_pairs import Pair, sources
from genre_models.training.words_split import Nearest
from genre_models.words.asking import MOST_PIECES, WordsError
from genre_models.words.looking import look
from genre_models.words.model import TranslationTransformer, WordsTransformer
from genre_models.words.translate import SURE_FROM, Doubt, translate, translate_ids
from genre_models.words.vocabulary import PAD, Vocabulary, plain

BATCH = 32
RESAMPLES = 1_000
WIDTH = 4
ALPHAS = (0.6, 1.0, 1.4, 1.8)
"""Length penalties tried on the validation phrases."""
GREEDY, BEAM = "greedy", "beam search"
SURE = "nothing"
"""Speaks against a translation."""
NEAREST, COPY = "nearest training phrase", "copy of the source"
EXAMPLES = 10
"""The first so many test phrases are shown, as they came out."""
SHORTEST_COPIED = 3
"""Letters of a word that stands on both sides and says where its translation comes from."""
INTERVAL = (2.5, 97.5)


def translated(model: TranslationTransformer, phrases: Sequence[str], beams: Beams) -> list[str]:
    """The best translation of each phrase; of one that is too long for the model, of its beginning."""
    ids = [tuple(one[:MOST_PIECES]) for one in model.vocabulary.encode_all(phrases)]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    texts: dict[int, str] = {}
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        for i, found in zip(batch, translate_ids(model, [ids[i] for i in batch], beams), strict=True):
            texts[i] = model.vocabulary.decode(found[0].tokens).strip()
    return [texts[i] for i in range(len(ids))]


def compare(systems: Mapping[str, Sequence[str]], references: Sequence[str]) -> dict[str, Any]:
    """chrF and BLEU of each system with half the width of its 95% interval over phrases, 0 to 100.

    `p_value` tells each from the first system by the paired bootstrap (Koehn 2004).
    """
    metrics = {"chrF": CHRF(references=[references]), "BLEU": BLEU(references=[references])}
    named: list[tuple[str, Sequence[str]]] = [(name, list(texts)) for name, texts in systems.items()]
    signatures, scores = PairedTest(named, metrics, None, test_type="bs", n_samples=RESAMPLES)()
    results: dict[str, dict[str, Any]] = {name: {} for name in systems}
    for metric, key in zip(metrics, signatures, strict=True):
        for name, result in zip(systems, scores[key], strict=True):
            results[name][metric] = _scored(result)
    for name, texts in systems.items():
        same = [text == reference for text, reference in zip(texts, references, strict=True)]
        results[name]["exact"] = float(np.mean(same))
    names = zip(metrics, signatures.values(), strict=True)
    return {"systems": results, "signatures": {metric: str(signature) for metric, signature in names}}


def _scored(result: Any) -> dict[str, Any]:
    """What sacrebleu found of one system by one measure."""
    low, high = result.mean - result.ci, result.mean + result.ci
    one = {"score": float(result.score), "interval": [float(low), float(high)]}
    return one if result.p_value is None else {**one, "p_value": float(result.p_value)}


def measure_translation(
    model: TranslationTransformer, train: Sequence[Pair], held_out: Sequence[Pair], beams: Beams
) -> dict[str, Any]:
    """The model and the two baselines on phrases that were held out, and how the first of them came out."""
    phrases, references = sources(held_out), [pair.target for pair in held_out]
    nearest, cosines = Nearest(sources(train)).find(phrases)
    systems = {
        GREEDY: translated(model, phrases, Beams(1, beams.max_tokens, beams.alpha)),
        BEAM: translated(model, phrases, beams),
        NEAREST: [train[i].target for i in nearest],
        COPY: phrases,
    }
    shown = [
        {
            "source": pair.source,
            "reference": pair.target,
            "translation": systems[BEAM][i],
            "nearest": train[nearest[i]].source,
            "likeness": float(cosines[i]),
        }
        for i, pair in enumerate(held_out[:EXAMPLES])
    ]
    return {"phrases": len(held_out), **compare(systems, references), "examples": shown}


def doubts(
    model: TranslationTransformer, parts: Mapping[str, Sequence[Pair]], beams: Beams
) -> dict[str, Any]:
    """How well translations turn out by what the app says against them, on each of the held-out `parts`.

    `sure_from` is the app's mark; `against` has what speaks against at least one phrase, and `SURE` for those
    that nothing speaks against; `refused` counts phrases that are too long to be translated.
    """
    return {"sure_from": SURE_FROM, **{part: _doubted(model, pairs, beams) for part, pairs in parts.items()}}


def _doubted(model: TranslationTransformer, held_out: Sequence[Pair], beams: Beams) -> dict[str, Any]:
    made: dict[str, list[tuple[str, str]]] = defaultdict(list)
    refused = 0
    for pair in held_out:
        try:
            translation = translate(model, pair.source, beams)
        except WordsError:
            refused += 1
            continue
        made[translation.why_doubted or SURE].append((translation.best.text, pair.target))
    against = {reason: _matched(made[reason]) for reason in (SURE, *Doubt) if reason in made}
    return {"refused": refused, "against": against}


def _matched(made: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """chrF of translations, and the share of them that are just as a person's beside them."""
    texts, references = zip(*made, strict=True)
    found = compare({BEAM: texts}, references)["systems"][BEAM]
    return {"phrases": len(made), "chrF": found["chrF"], "exact": found["exact"]}


@torch.inference_mode()
def evenness(model: WordsTransformer, batches: Iterable[Batch]) -> dict[str, Any]:
    """How evenly the cross-attention looks at what was read, when it foretells what follows.

    It is the entropy of the weights over the most that it could be: 1 for the same weight on every piece, 0
    for all of it on one. `heads` is (layers, heads), each the mean over the `pieces` foretold, `mean` that of
    all heads. Sources of a single piece leave no choice and are not counted.
    """
    sums, foretold_pieces = torch.zeros(()), 0
    for source, target in batches:
        _, attention = model(source, target[:, :-1], return_attention=True)
        entropy = torch.special.entr(torch.stack(attention.cross)).sum(-1)  # (layers, batch, heads, t - 1)
        read = (source != PAD).sum(dim=1)  # (batch,)
        counted = (target[:, 1:] != PAD) & (read > 1)[:, None]  # (batch, t - 1)
        shares = entropy / read.clamp(min=2).log()[:, None, None]  # (layers, batch, heads, t - 1)
        sums = sums + (shares * counted[:, None]).double().sum(dim=(1, 3))  # (layers, heads)
        foretold_pieces += int(counted.sum())
    if not foretold_pieces:
        return {}
    heads = (sums / foretold_pieces).numpy()
    layer, head = np.unravel_index(heads.argmin(), heads.shape)
    return {
        "pieces": foretold_pieces,
        "mean": float(heads.mean()),
        "sharpest": {"layer": int(layer), "head": int(head), "evenness": float(heads.min())},
        "heads": heads.tolist(),
    }


def alignment(model: TranslationTransformer, held_out: Sequence[Pair]) -> dict[str, Any]:
    """Which head of the cross-attention points at the word that is being translated most often.

    Asked are words that stand once in a phrase and once in its translation, such as names and numbers: there
    it is known where to look. `shares` is (layers, heads).
    """
    hits, asked = [], 0
    for pair in held_out:
        source, target = (model.vocabulary.cut(model.vocabulary.encode(side)) for side in pair)
        if max(len(source.ids), len(target.ids)) > MOST_PIECES or len(source.words) < 2:
            continue
        left, right = ([plain(word.text) for word in side.words] for side in (source, target))
        known = [
            (right.index(word), left.index(word))
            for word in {*left} & {*right}
            if len(word) >= SHORTEST_COPIED and left.count(word) == right.count(word) == 1
        ]
        if known:
            looked = look(model, source, target).words.cross.argmax(axis=-1)  # (layers, heads, target)
            hits += [looked[:, :, row] == column for row, column in known]
            asked += len(known)
    if not asked:
        return {}
    shares = np.mean(hits, axis=0)  # (layers, heads)
    layer, head = np.unravel_index(shares.argmax(), shares.shape)
    return {"words": asked, "layer": int(layer), "head": int(head), "shares": shares.tolist()}


def choose_beams(model: TranslationTransformer, valid: Sequence[Pair]) -> tuple[Beams, dict[str, float]]:
    """The length penalty with the best chrF on the validation phrases, and that of all that were tried."""
    phrases, references = sources(valid), [[pair.target for pair in valid]]
    tried = {}
    for alpha in ALPHAS:
        texts = translated(model, phrases, Beams(WIDTH, MOST_PIECES, alpha))
        tried[alpha] = CHRF().corpus_score(texts, references).score
    best = max(tried, key=lambda alpha: tried[alpha])
    return Beams(WIDTH, MOST_PIECES, best), {str(alpha): score for alpha, score in tried.items()}


def foretold(
    model: Foreteller, stretches: Sequence[str], vocabulary: Vocabulary, max_tokens: int
) -> dict[str, Any]:
    """Perplexity of held-out prose per piece, word and character, with 95% intervals over stretches.

    What is foretold in a stretch is all but its first `max_tokens` pieces.
    """
    counts = np.array([_count(model, stretch, vocabulary, max_tokens) for stretch in stretches])
    drawn = np.random.default_rng(0).integers(0, len(counts), (RESAMPLES, len(counts)))
    nats, *units = counts.sum(axis=0)
    resampled = counts[drawn].sum(axis=1)  # (resamples, 4)
    found: dict[str, Any] = {}
    for i, name in enumerate(("piece", "word", "character"), start=1):
        low, high = np.percentile(np.exp(resampled[:, 0] / resampled[:, i]), INTERVAL)
        found[name] = {
            "perplexity": float(np.exp(nats / units[i - 1])),
            "interval": [float(low), float(high)],
        }
    bits = nats / units[2] / np.log(2)
    return {**found, "bits_per_character": float(bits), "pieces": int(units[0]), "words": int(units[1])}


def _count(
    model: Foreteller, stretch: str, vocabulary: Vocabulary, max_tokens: int
) -> tuple[float, int, int, int]:
    """Nats, pieces, words and characters of what is foretold in a stretch."""
    runs = Runs([stretch], vocabulary, max_tokens)
    nats = sum(
        float(losses.double().sum())
        for losses, _ in answers(model, runs.held_out(BATCH), torch.device("cpu"))
    )
    ids = runs.stretches[0][max_tokens:].tolist()
    text = vocabulary.decode(ids)
    return nats, len(ids), len(text.split()), len(text)


def continued(
    write: Callable[[str, int], str], stretches: Sequence[str], vocabulary: Vocabulary, given: int
) -> list[dict[str, str]]:
    """The first words of the first held-out stretches, how the model carries them on, and how they go on.

    They are of `given` pieces at most, and of as many again; `write` gets the beginning and a seed.
    """
    shown = []
    for seed, stretch in enumerate(stretches[:EXAMPLES]):
        ids = vocabulary.encode(stretch)
        first, last = (_whole_words(ids, n, vocabulary) for n in (given, 2 * given))
        start, rest = vocabulary.decode(ids[:first]), vocabulary.decode(ids[first:last])
        shown.append({"given": start, "continuation": write(start, seed), "real": rest})
    return shown


def _whole_words(ids: Sequence[int], most: int, vocabulary: Vocabulary) -> int:
    """So many pieces, `most` at most, end with a word; `most` where the first word is longer."""
    if most >= len(ids):
        return len(ids)
    return next((n for n in range(most, 0, -1) if vocabulary.between_words[ids[n]]), most)
