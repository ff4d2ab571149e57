"""What was measured of a sound, in sentences for a person."""

from collections.abc import Mapping

from torch import Tensor

from genre_models.musicnn import TAGS

FAINT_TAG = 0.25
"""Probability below which it is said that MusiCNN is sure of no tag."""


def _tone(m: Mapping[str, float]) -> list[str]:
    if m["peak_hold"] < 0.7 or m["peak_spread"] > 0.5:
        return []
    share = f"{100 * m['peak_share']:.0f}% of the energy"
    if m["peak_share"] > 0.6:
        return [f"One steady tone at {m['peak_hz']:.0f} Hz carries {share}."]
    return [f"Its strongest partial, at {m['peak_hz']:.0f} Hz, stays where it is and carries {share}."]


def _noise(m: Mapping[str, float]) -> list[str]:
    flatness = 10 ** m["flatness"]
    said = []
    if flatness > 0.1:
        said.append(f"Its spectrum is flat: {min(flatness, 1):.2f} of white noise's 1.")
    if m["slow_change"] < 4:
        said.append(f"Its colour hardly changes: by {m['slow_change']:.1f} dB from second to second.")
    return said


def _speech(m: Mapping[str, float]) -> list[str]:
    bursts = f"{m['bursts']:.1f} bursts a second"
    if m["pauses"] > 0.05:
        return [
            f"It comes in {bursts}, as syllables do, with pauses for {100 * m['pauses']:.0f}% of the time."
        ]
    return [f"It comes in {bursts}, as syllables do."] if 2 < m["bursts"] < 9 else []


def _signal(m: Mapping[str, float]) -> list[str]:
    if m["peak_share"] < 0.3:
        return []
    said = [f"One partial at a time stands out, with {100 * m['peak_share']:.0f}% of the energy."]
    if m["peak_spread"] > 1:
        said.append(f"It moves by {m['peak_spread']:.0f} semitones about its mean.")
    return said


def _knocks(m: Mapping[str, float]) -> list[str]:
    if m["pauses"] < 0.2:
        return []
    return [
        f"Short strokes, {m['bursts']:.1f} a second, near silence for {100 * m['pauses']:.0f}% of the time."
    ]


_SENTENCES = {"tone": _tone, "noise": _noise, "speech": _speech, "signal": _signal, "knocks": _knocks}


def _tag(tags: Tensor) -> list[str]:
    best = int(tags.argmax())
    if float(tags[best]) >= FAINT_TAG:
        return []
    return [f'MusiCNN is sure of none of its tags: "{TAGS[best]}" comes first with {100 * tags[best]:.0f}%.']


def evidence(kind: str, measured: Mapping[str, float], tags: Tensor | None) -> tuple[str, ...]:
    """Up to three sentences on a clip taken for `kind`: its measures' means, MusiCNN's mean tags (50,).

    A measure that says nothing for that kind is passed over.
    """
    said = _SENTENCES[kind](measured) + ([] if tags is None else _tag(tags))
    return tuple(said) or ("Rhythm, pitches and changes of its sound are together unlike those of music.",)
