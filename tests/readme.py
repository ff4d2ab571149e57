"""The README's tables, made from the metrics files. `python -m tests.readme` writes them in place."""

import json
import textwrap
from pathlib import Path
from typing import Any

from genre_models.hub import ASSETS
from genre_models.training.evaluation import table

README = Path(__file__).resolve().parent.parent / "README.md"


def _read(name: str) -> dict[str, Any]:
    content = json.loads((ASSETS / "metrics" / name).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def firmness(evaluation: dict[str, Any]) -> str:
    """What a quieter recording, a lossy file and an unsure verdict mean, in sentences."""
    conditions, verdicts = evaluation["conditions"], evaluation["verdicts"]
    stays = {name: _percent(conditions[name]["verdict_stays"]) for name in ("quiet", "mp3")}
    points = {
        name: f"{100 * (conditions[name]['accuracy'] - conditions['accuracy']):+.1f} points of accuracy"
        for name in ("quiet", "mp3")
    }
    paragraphs = [
        f"Of {conditions['clips']} clips, each answered by networks that never heard its artist, the verdict "
        f"stays the same for {stays['quiet']} when the clip is turned down by 20 dB ({points['quiet']}) and "
        f"for {stays['mp3']} as a 48 kHz stereo MP3 at 64 kbit/s ({points['mp3']}).",
        f"The app calls itself sure for {_percent(verdicts['sure_share'])} of the tracks and is then right "
        f"for {_percent(verdicts['accuracy_when_sure'])}; when it is not sure, its first guess is right for "
        f"{_percent(verdicts['accuracy_when_not'])}, and the genres it lists hold the right one for "
        f"{_percent(verdicts['candidates_hold_truth'])}.",
    ]
    return "\n\n".join(textwrap.fill(paragraph, 108) for paragraph in paragraphs)


def speed(answer: dict[str, Any]) -> str:
    """How long an answer takes, in sentences."""
    page, machine = answer["upload to painted answer, four models"], answer["machine"]
    times = f"{page['median_ms']:.0f} ms (median of {machine['runs']}, {page['fastest_ms']:.0f} to"
    return textwrap.fill(
        f"From choosing a 30 s file to the painted answer of all four models takes {times} "
        f"{page['slowest_ms']:.0f}) on {machine['cores']} cores; loading and MFCCs alone take "
        f"{answer['ours_over_librosa']:.2f} of the time that librosa needs for them in the same run "
        "(`make bench`).",
        108,
    )


def sections() -> dict[str, str]:
    """By marker: what must stand there."""
    evaluation = _read("evaluation.json")
    return {
        "evaluation": table(evaluation),
        "firmness": firmness(evaluation),
        "speed": speed(_read("answer.json")),
    }


def filled(text: str) -> str:
    """`text` with every marked section as it should be."""
    for name, content in sections().items():
        start, end = f"<!-- table: {name} -->\n", "<!-- end -->"
        before, marked = text.split(start)
        text = f"{before}{start}{content}\n{marked[marked.index(end) :]}"
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
