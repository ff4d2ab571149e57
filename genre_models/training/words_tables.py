"""What was measured of the models of words, as Markdown."""

from collections.abc import Mapping
from typing import Any

from genre_models.training.words_report import BEAM, GREEDY, SURE
from genre_models.words import Doubt

Metrics = Mapping[str, Any]
TITLES = {"transformer": "Transformer", "n-gram": "n-gram"}
AGAINST = {
    SURE: "nothing",
    Doubt.UNLIKELY: "its pieces are unlikely",
    Doubt.UNSEEN: "half of the words were never seen",
}


def translation_table(metrics: Metrics) -> str:
    """chrF and BLEU on the test phrases, and a line on what they are of."""
    test = metrics["test"]
    lines = ["| translations of phrases never seen | chrF | BLEU | the very words |", "|---" * 4 + "|"]
    for name, one in test["systems"].items():
        title = f"Transformer, {name}" if name in {BEAM, GREEDY} else name
        scores = f"{_within(one['chrF'])} | {_within(one['BLEU'])}"
        lines.append(f"| {title} | {scores} | {_percent(one['exact'])} |")
    split, dropped = metrics["split"], metrics["split"]["near_variants_dropped"]
    return "\n".join(
        [
            *lines,
            "",
            f"{test['phrases']:,} test phrases, {split['train']:,} to train on; {dropped:,} held-out phrases "
            "were dropped as near variants of others. In brackets 95% intervals over phrases."
            f"{_look(metrics)}",
            "",
            _doubt_table(metrics["doubt"]),
        ]
    )


def _doubt_table(doubt: Metrics) -> str:
    """How well translations turn out by what the app says against them, and a line on its mark."""
    unit = "chrF | the very words"
    lines = [
        f"| the app says against it | test phrases | {unit} | validation phrases | {unit} |",
        "|---" * 7 + "|",
    ]
    parts = [doubt[part]["against"] for part in ("test", "valid")]
    lines += [
        f"| {title} | {' | '.join(_matched(part.get(name)) for part in parts)} |"
        for name, title in AGAINST.items()
    ]
    return "\n".join(
        [
            *lines,
            "",
            f"Unlikely is below {doubt['sure_from']:.0%} per piece, a mark that was set on the validation "
            "phrases; phrases too long for the model are left out.",
        ]
    )


def _matched(one: Metrics | None) -> str:
    """How many phrases, their chrF and the share that is just as a person's."""
    return f"{one['phrases']} | {_within(one['chrF'])} | {_percent(one['exact'])}" if one else "0 | | "


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
            f"In brackets 95% intervals over stretches.{_look(metrics)}",
        ]
    )


def _look(metrics: Metrics) -> str:
    """A sentence on how even the cross-attention is; none where nothing was long enough to tell."""
    evenness = metrics["evenness"]
    if "mean" not in evenness:
        return ""
    of = f" over the {evenness['read']} pieces of a beginning" if "read" in evenness else ""
    mean, sharpest = (_percent(share) for share in (evenness["mean"], evenness["sharpest"]["evenness"]))
    return (
        f" On validation data the cross-attention{of} has {mean} of the entropy of an even look, "
        f"{sharpest} in the sharpest head."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _within(one: Metrics) -> str:
    low, high = one["interval"]
    return f"{one['score']:.1f} ({low:.1f}-{high:.1f})"
