"""The key of notes for which nobody named one."""

from collections.abc import Iterable
from itertools import product

import numpy as np

from genre_models.melody.tune import Key, Note

PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
"""How well each semitone above the tonic fits, as listeners judged (Krumhansl and Kessler 1982)."""


def likely_key(notes: Iterable[Note]) -> Key:
    """The major or minor key whose profile goes best with how long each pitch class sounds.

    Source: the key-finding algorithm of Krumhansl and Schmuckler (Krumhansl 1990), by correlation. C major
    where nothing sounds.
    """
    durations = np.zeros(12)
    for note in notes:
        if note.pitch is not None:
            durations[note.pitch % 12] += float(note.length)
    durations -= durations.mean()
    fits = {
        Key(tonic, mode): float(durations @ _from_tonic(mode, tonic))
        for mode, tonic in product(PROFILES, range(12))
    }
    return max(fits, key=lambda key: fits[key])


def _from_tonic(mode: str, tonic: int) -> np.ndarray:
    """The mode's profile by pitch class, C first, standardised, (12,)."""
    profile = np.roll(PROFILES[mode], tonic)
    return (profile - profile.mean()) / profile.std()
