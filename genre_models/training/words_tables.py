"""What was measured of the models of words, as Markdown."""

from collections.abc import Mapping
from typing import Any

from genre_models.training.words_report import BEAM, GREEDY

Metrics = Mapping[str, Any]
TITLES = {"transformer": "Transformer", "n-gram": "n-gram"}


def translation_table(metrics: Metrics) -> str:
    """chrF and BLEU on the test phrases, and a line on what they are of."""
    test = metrics["test"]
    lines = ["| translations of phrases never seen | chrF | BLEU | the very words |", "|---" * 4 + "|"]
    for name, one in test["systems"].items():
        title = f"Transformer, {name}" if name in {BEAM, GREEDY} else name
        scores = f"{_within(one['chrF'])} | {_within(one['BLEU'])}"
        lines.append(f"| {title} | {scores} | {100 * one['exact']:.1f}% |")
    split, dropped = metrics["split"], metrics["split"]["near_variants_dropped"]
    return "\n".join(
        [
            *lines,
            "",
            f"{test['phrases']:,} test phrases, {split['train']:,} to train on; {dropped:,} held-out phrases "
            "were dropped as near variants of others. In brackets 95% intervals over phrases.",
        ]
    )


def text_table(metrics: Metrics) -> str:
    """Perplexities on the test text, and a line on what they are of."""
    lines = ["| prose never seen | perplexity per word | per piece | bits per character |", "|---" * 4 + "|"]
    for name, one in metrics["test"]["systems"].items():
        title = f"{metrics['n_gram']['order']}-gram" if name == "n-gram" else TITLES[name]
        word, piece = ({"score": one[unit]["perplexity"], **one[unit]} for unit in ("word", "piece"))
        bits = f"{one['bits_per_character']:.2f}"
        lines.append(f"| {title} | {_within(word)} | {_within(piece)} | {bits} |")
    test = metrics["test"]["systems"]["transformer"]
    return "\n".join(
        [
            *lines,
            "",
            f"{test['words']:,} test words in {metrics['split']['test']['stretches']} stretches. "
            "In brackets 95% intervals over stretches.",
        ]
    )


def _within(one: Metrics) -> str:
    low, high = one["interval"]
    return f"{one['score']:.1f} ({low:.1f}-{high:.1f})"
