"""The README's tables, made from the metrics files. `python -m tests.readme` writes them in place."""

import json
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

from genre_models.paths import METRICS
from genre_models.training import outside
from genre_models.training.melody_report import table as melody_table
from genre_models.training.tables import conditions_table, table
from genre_models.training.teaching import in_words
from genre_models.training.words_tables import text_table, translation_table
from tests.benchmarks.beside import kept

README = Path(__file__).resolve().parent.parent / "README.md"


def _read(name: str) -> dict[str, Any]:
    content = json.loads((METRICS / name).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _points(gain: dict[str, Any]) -> str:
    low, high = gain["interval"]
    return f"{100 * gain['difference']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def steps(choices: dict[str, Any]) -> str:
    """What each step of the training was worth on inner folds, as a table."""
    lines = ["| model | step | against | points (95% interval) | in use |", "|---|---|---|---|---|"]
    for model, gains in choices["steps"].items():
        used = choices["models"][model]["all"]["candidate"]
        for gain in gains:
            kept = "yes" if gain["step"] == used else ""
            lines.append(f"| {model} | {gain['step']} | {gain['against']} | {_points(gain)} | {kept} |")
    return "\n".join(lines)


def head_scores(choices: dict[str, Any]) -> str:
    """What the candidates for MusiCNN's heads were chosen by, as a table."""
    scores = choices["models"]["musicnn"]["all"]["scores"]
    lines = ["| MusiCNN's heads | mean over all recording conditions |", "|---|---|"]
    lines += [f"| {name} | {100 * score:.1f}% |" for name, score in scores.items()]
    return "\n".join(lines)


def sureness(evaluation: dict[str, Any]) -> str:
    """What a sure and an unsure verdict, and a stated confidence, mean, in sentences."""
    verdicts = evaluation["verdicts"]
    before, after = (evaluation["calibration"][stage] for stage in ("before", "after"))
    low, high = after["interval"]
    return textwrap.fill(
        f"The app calls itself sure for {_percent(verdicts['sure_share'])} of the tracks and is then right "
        f"for {_percent(verdicts['accuracy_when_sure'])}; when it is not sure, its first guess is right for "
        f"{_percent(verdicts['accuracy_when_not'])}, and the genres it lists hold the right one for "
        f"{_percent(verdicts['candidates_hold_truth'])}. The expected calibration error of the verdict's "
        f"confidence is {after['ece']:.3f} ({low:.3f} to {high:.3f}; ten bins of equally many answers), that "
        f"of the models' plain average {before['ece']:.3f}; the negative log-likelihood {after['nll']:.2f} "
        f"instead of {before['nll']:.2f}.",
        108,
    )


def trust_under_conditions(evaluation: dict[str, Any]) -> str:
    """How far the verdict's confidence is from its accuracy where it is farthest, in a sentence."""
    errors, titles = evaluation["conditions"]["calibration_errors"], evaluation["conditions"]["titles"]
    worst = max(errors, key=lambda name: errors[name])
    return textwrap.fill(
        "The expected calibration error of the verdict's confidence under these conditions is at most "
        f"{errors[worst]:.3f} ({titles[worst]}); as it is, {errors['clean']:.3f}.",
        108,
    )


def unlike(evaluation: dict[str, Any]) -> str:
    """In how many recordings only MusiCNN counts, in a sentence."""
    shares, titles = evaluation["unlike"], evaluation["conditions"]["titles"]
    listed = [f"{100 * shares[name]:.1f}% ({titles[name]})" for name in evaluation["conditions"]["order"]]
    return textwrap.fill(
        "Where the gate takes a recording for anything but a clean one, or the denoiser changes it much, "
        "only MusiCNN counts in the verdict, and the app says so: the small networks learned from clean "
        f"recordings. Of the labelled tracks, out of fold, that is {', '.join(listed)}.",
        108,
    )


def denoised(figures: dict[str, Any]) -> str:
    """How near the denoiser brings bad recordings of other music to the good ones, as a table."""
    names = {"all at once": "room, noise or voices, narrow band", "in parts": "some of that"}
    lines = [
        "| music held back | log-mels off by | denoised | what MusiCNN hears off by | denoised |",
        "|---|---|---|---|---|",
    ]
    for name, row in figures["measured"].items():
        heard = f"{row['heard before']:.2f} | {row['heard after']:.2f}"
        cells = f"{row['log-mels before']:.2f} | {row['log-mels after']:.2f} | {heard}"
        lines.append(f"| {names.get(name, name)} | {cells} |")
    segments, seconds = figures["segments"], figures["segment_s"]
    words = (
        f"Learned from {segments['learned from'] * seconds / 3600:.0f} hours of music out of "
        f"{len(figures['files'])} files, three recordings of each. Log-mels lie between 0 and about 4.5; "
        "what is heard is off by the mean squared difference of MusiCNN's features from those of the clean "
        "recording, where 1 is a deviation between segments."
    )
    return "\n".join(lines) + "\n\n" + textwrap.fill(words, 108)


def outside_the_genres(measured: dict[str, Any]) -> str:
    """What the app says of music that is none of the ten genres, beside the labelled tracks, as a table."""
    table = outside.table(measured, outside.labelled_row(_read("evaluation.json"), _read("sound.json")))
    asked = measured["recordings"]
    sure = Counter(each["genre"] for each in asked if each["answer"] == outside.SURE)
    genres = ", ".join(f"{genre} ({count})" for genre, count in sorted(sure.items()))
    tagged = sum(each["told"].startswith("genre tag") for each in asked)
    words = (
        f"It was sure of: {genres or 'none'}. The style of {tagged} recordings is told by their genre tag, "
        f"of {len(asked) - tagged} by title or file name."
    )
    if left_out := len(measured["left_out"]):
        words += f" Left out, as unreadable or silent in their middle: {left_out}."
    return f"{table}\n\n{textwrap.fill(words, 108)}"


def not_music(sound: dict[str, Any]) -> str:
    """How well music and other sounds are told apart, as a table."""
    measured = sound["both"]
    hits, alarms = measured["hits on generators never heard"], measured["false alarms on unseen artists"]
    lines = ["| sounds from generators never heard | how many | called not music |", "|---|---|---|"]
    lines += [f"| {name} | {row['sounds']} | {_percent(row['share'])} |" for name, row in hits.items()]
    lines += ["", "| music of artists never heard | clips and excerpts | called not music |", "|---|---|---|"]
    lines += [f"| {name} | {row['sounds']} | {100 * row['share']:.1f}% |" for name, row in alarms.items()]
    return "\n".join(lines)


def ear(figures: dict[str, Any]) -> str:
    """What rearranging the pretrained network's arithmetic gained, in a sentence."""
    times, machine = figures["median_ms"], figures["machine"]
    return textwrap.fill(
        f"MusiCNN takes {times['ours']:.0f} ms for a 30 s clip on {machine['cores']} cores and "
        f"{times['as described']:.0f} ms with its layers computed as they are described, in the same run: "
        f"{figures['ours_over_described']:.2f} of the time. The answers differ by "
        f"{figures['largest_difference']:.0e} at most. The denoiser before it takes "
        f"{times['denoiser']:.0f} ms more.",
        108,
    )


def speed(answer: dict[str, Any]) -> str:
    """How long an answer takes, in sentences."""
    name, page = next(item for item in answer.items() if item[0].startswith("upload to painted answer"))
    models, machine = name.split(", ")[1], answer["machine"]
    times = f"{page['median_ms']:.0f} ms (median of {machine['runs']}, {page['fastest_ms']:.0f} to"
    return textwrap.fill(
        f"From choosing a 30 s file to the painted answer of all {models} takes {times} "
        f"{page['slowest_ms']:.0f}) on {machine['cores']} cores; loading and MFCCs alone take "
        f"{answer['ours_over_librosa']:.2f} of the time that librosa needs for them in the same run "
        "(`make bench`).",
        108,
    )


def beside() -> str:
    """All that was timed beside a peer, and what has none, as a table."""
    lines = ["| what | ours | peer | times as fast (range) | goal |", "|---|---|---|---|---|"]
    for path in sorted(METRICS.glob("*.json")):
        for row in kept(path):
            peer = "" if row.peer is None else f"{row.peer:,.4g} {row.unit}, {row.peer_name}"
            times = "" if row.times is None else f"{row.times:.3g} ({row.lowest:.3g} to {row.highest:.3g})"
            goal = "" if row.goal is None else f"{row.goal:g}"
            lines.append(f"| {row.what} | {row.ours:,.4g} {row.unit} | {peer} | {times} | {goal} |")
    return "\n".join(lines)


def load(figures: dict[str, Any]) -> str:
    """What became of many visitors at once and of many requests in a row, in sentences."""
    crowd, row = figures["at_once"], figures["in_a_row"]
    classify, generate, alone = crowd["classify"], crowd["generate"], crowd["classify_alone"]
    megabytes = row["median_mb_of_each_200"]
    return textwrap.fill(
        f"{crowd['visitors']} visitors at the same moment, each with a clip and a tune, on "
        f"{figures['machine']['cores']} cores: {crowd['equal']} of {crowd['requests']} requests were "
        f"answered as for a single visitor, {crowd['refused']} refused in words, {crowd['wrong']} wrong; "
        f"{crowd['requests_per_second']:.1f} requests a second, half of the clips within "
        f"{classify['median_s']:.0f} s and 95% within {classify['p95_s']:.0f} s (alone "
        f"{alone['median_s']:.1f} s), 95% of the tunes within {generate['p95_s']:.0f} s. Over "
        f"{row['requests']:,} requests in a row ({row['refused']:,} of them wrong, and refused) the memory "
        f"of app and readers stayed between {min(megabytes):,.0f} and {max(megabytes):,.0f} MB, medians of "
        f"200 each; at most it was {figures['peak_mb']:,.0f} MB.",
        108,
    )


def look_inside(figures: dict[str, Any]) -> str:
    """How long the Inside tab takes, in a sentence."""
    page, alone = figures["verdict to complete Inside tab"], figures["working it out, without the page"]
    return textwrap.fill(
        f"From the verdict to the complete Inside tab of a 30 s clip it takes {page['median_ms']:.0f} ms "
        f"({page['fastest_ms']:.0f} to {page['slowest_ms']:.0f}), {alone['median_ms']:.0f} of them to "
        "work out what it shows.",
        108,
    )


def together(figures: dict[str, Any]) -> str:
    """What a second process gained, and how far the losses of one and two are apart, as a table."""
    lines = [
        "| network | one process, s per epoch | two | speed-up | losses apart, at most | but for rounding |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in figures["models"].items():
        times = f"{row['one_s']:.2f} | {row['two_s']:.2f} | {row['speed_up']:.2f}"
        apart = f"{row['largest_loss_difference']:.0e} | {row['but_for_rounding']:.0e}"
        lines.append(f"| {name} | {times} | {apart} |")
    words = (
        f"Processes of one thread each on {figures['machine']['cores']} cores, {figures['segments']} made-up "
        f"segments, {figures['epochs']} epochs, no dropout. The last column compares with one process that "
        "adds up the same two halves of each step in turn; the one before it shows what adding up in another "
        "order grows to in that time."
    )
    return "\n".join(lines) + "\n\n" + textwrap.fill(words, 108)


def on_cluster(figures: dict[str, Any]) -> str:
    """What a large collection would take, in sentences."""
    reckoned = figures["reckoned"]
    return textwrap.fill(
        f"{figures['workers']} workers of one thread hear {figures['clips_per_second']:.2f} clips of "
        f"{figures['clip_s']:.0f} s per second, each in all its altered variants and recording conditions. "
        f"At that rate {reckoned['clips']:,} clips take {reckoned['core_hours']:,} core-hours and "
        f"{reckoned['gigabytes']} GB of cache: reckoned from {figures['clips']} clips, not tried.",
        108,
    )


def sections() -> dict[str, str]:
    """By marker: what must stand there."""
    evaluation = _read("evaluation.json")
    return {
        "evaluation": table(evaluation),
        "conditions": f"{conditions_table(evaluation)}\n\n{trust_under_conditions(evaluation)}",
        "sureness": sureness(evaluation),
        "unlike": unlike(evaluation),
        "denoised": denoised(_read("denoiser.json")),
        "steps": steps(_read("choices.json")),
        "head": head_scores(_read("choices.json")),
        "melody": melody_table(_read("melody.json")),
        "translation": translation_table(_read("words.json")["translate"]),
        "text": text_table(_read("words.json")["text"]),
        "outside": outside_the_genres(_read("outside.json")),
        "not music": not_music(_read("sound.json")),
        "teaching": textwrap.fill(in_words(_read("teaching.json")), 108),
        "speed": speed(_read("answer.json")),
        "beside": beside(),
        "load": load(_read("load.json")),
        "inside": look_inside(_read("inside.json")),
        "ear": ear(_read("ear.json")),
        "together": together(_read("distributed.json")),
        "cluster": on_cluster(_read("cluster.json")),
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
