"""The evaluation as Markdown."""

from collections.abc import Mapping
from typing import Any

from genre_models.classifiers import GENRES
from genre_models.training.folds import SPLITS


def table(evaluation: Mapping[str, Any]) -> str:
    """The evaluation as Markdown: accuracies by split, paired differences, recall by genre."""
    splits = evaluation["splits"]
    measured = [split for split in SPLITS if split in splits]
    titles = [f"by {split}{' (leaky)' if split == 'segment' else ''}" for split in measured]
    lines = [f"| system | {' | '.join(titles)} |", "|---" * (len(measured) + 1) + "|"]
    for name in splits[measured[0]]:
        cells = [_with_interval(splits[split][name]) for split in measured]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    if "artist" not in splits:
        return "\n".join(lines)
    lines += ["", "| paired difference, by artist | points (95% interval) |", "|---|---|"]
    for pair in evaluation["differences"]:
        lines.append(f"| {pair['system']} - {pair['against']} | {_points(pair)} |")
    lines += ["", f"| recall, by artist | {' | '.join(GENRES)} |", "|---" * (len(GENRES) + 1) + "|"]
    for name, result in splits["artist"].items():
        recall = [f"{100 * result['recall'][genre]:.0f}" for genre in GENRES]
        lines.append(f"| {name} | {' | '.join(recall)} |")
    return "\n".join(lines)


def conditions_table(evaluation: Mapping[str, Any]) -> str:
    """The accuracies under each recording condition as Markdown, one row a condition."""
    conditions = evaluation["conditions"]
    systems = conditions["systems"]
    lines = [f"| recording | {' | '.join(systems)} | verdict against clean |"]
    lines.append("|---" * (len(systems) + 2) + "|")
    for name in conditions["order"]:
        cells = [f"{100 * systems[system][name]:.1f}%" for system in systems]
        change = conditions["differences"].get(name)
        cells.append(_points(change) if change else "")
        lines.append(f"| {conditions['titles'][name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _points(difference: Mapping[str, Any]) -> str:
    low, high = difference["interval"]
    return f"{100 * difference['difference']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def _with_interval(result: Mapping[str, Any]) -> str:
    low, high = result["interval"]
    return f"{100 * result['balanced_accuracy']:.1f}% ({100 * low:.1f} to {100 * high:.1f})"
