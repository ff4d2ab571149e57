"""How well a few clips teach the app two artists, measured over many random draws.

A draw takes two genres, an artist of each, and teaches three cuts of 5 s of either: from three tracks, or
from as many as leave another track to ask about. It then asks about every other track of the two, by the 5 s
in its middle, or by the whole of a shorter recording. Of an artist with many tracks the eight longest count.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from genre_models import audio, musicnn, teach
from genre_models.hub import bundled_ear
from genre_models.musicnn import MusiCNN
from genre_models.teach import TEACHING_FILE, Embedding, Prototypes, TaughtClip, TaughtLabels
from genre_models.training.augment import generator
from genre_models.training.files import DataError, write_json
from genre_models.training.gtzan import Recording, index
from genre_models.training.recording_conditions import CLEAN, CONDITIONS

CUT_SAMPLES = 5 * audio.SAMPLE_RATE
N_TAUGHT = 3
MAX_TRACKS = 8
"""Of an artist; the longest ones."""
ASKED_UNDER = (CLEAN, "quiet", "room", "noise")
N_DRAWS = 1000
N_RESAMPLES = 2000
GOAL = 0.85
LABELS = (2, 3, 5)
SPREADS = np.arange(0.02, 0.151, 0.005)


@dataclass(frozen=True)
class Track:
    """A recording: its beginning, middle and end, none if it is shorter than a cut, and what is asked."""

    cuts: tuple[Embedding, ...]
    asked: dict[str, Embedding]  # by condition


@dataclass(frozen=True)
class Artist:
    """An artist and his or her tracks."""

    name: str
    genre: str
    tracks: tuple[Track, ...]

    def lesson(self, rng: np.random.Generator) -> tuple[list[Embedding], list[Track]]:
        """Three cuts to teach, and the tracks that none of them is from."""
        order = [self.tracks[i] for i in rng.permutation(len(self.tracks))]
        order.sort(key=lambda track: not track.cuts)
        n_long = sum(bool(track.cuts) for track in order)
        n_taught = min(N_TAUGHT, n_long, len(order) - 1)
        cuts = [track.cuts[i] for i in rng.permutation(N_TAUGHT) for track in order[:n_taught]]
        return cuts[:N_TAUGHT], order[n_taught:]


@dataclass(frozen=True)
class Draw:
    """What came of teaching some artists and asking about their other tracks, and about a stranger's."""

    artists: tuple[str, ...]
    right: dict[str, float]  # by condition, each artist counting alike
    left_out: float  # share of the taught clips that were named rightly without themselves
    distances: Tensor  # (clips asked about, labels)
    truth: Tensor  # (clips asked about,), the place of the right label
    own_unlike: float
    stranger_unlike: float


def _embed(waveform: Tensor, ear: MusiCNN) -> Embedding:
    """A waveform (samples,) at 22,050 Hz as the app hears it."""
    at_16_khz = soxr.resample(waveform.numpy(), audio.SAMPLE_RATE, musicnn.SAMPLE_RATE)
    starts_s = audio.segment(waveform).starts_s
    return teach.embed_segments(audio.cut(torch.from_numpy(at_16_khz), starts_s, musicnn.SAMPLE_RATE), ear)


def _track(waveform: Tensor, name: str, ear: MusiCNN) -> Track:
    rest = max(0, len(waveform) - CUT_SAMPLES)
    beginning, middle, end = (waveform[at : at + CUT_SAMPLES] for at in (0, rest // 2, rest))
    asked = {CLEAN: _embed(middle, ear)}
    for condition in ASKED_UNDER[1:]:
        changed = CONDITIONS[condition].apply(middle, generator(f"{name} {condition}"))
        asked[condition] = _embed(changed, ear)
    is_long = len(waveform) >= CUT_SAMPLES
    return Track((_embed(beginning, ear), asked[CLEAN], _embed(end, ear)) if is_long else (), asked)


def _loaded(recordings: Sequence[Recording]) -> tuple[dict[Recording, Tensor], dict[Recording, str]]:
    """The waveform of each, or what is wrong with it."""
    waveforms, broken = {}, {}
    for one in recordings:
        try:
            waveforms[one] = audio.load(one.path)
        except audio.AudioError as error:
            broken[one] = str(error)
    return waveforms, broken


def longest_tracks(waveforms: Mapping[Recording, Tensor]) -> dict[str, Tensor]:
    """The longest recording of each track; of the tracks the MAX_TRACKS longest."""
    tracks: dict[str, Tensor] = {}
    for recording, waveform in waveforms.items():
        if len(waveform) > len(tracks.get(recording.track, ())):
            tracks[recording.track] = waveform
    kept = sorted(tracks, key=lambda track: len(tracks[track]), reverse=True)[:MAX_TRACKS]
    return {track: tracks[track] for track in kept}


def listen(recordings: Sequence[Recording], ear: MusiCNN) -> tuple[list[Artist], dict[Recording, str]]:
    """The artists with several tracks of which one can be taught; of each track its longest recording.

    Also what is wrong with the files that cannot be read. Raises `DataError` where the artists are too few.
    """
    files: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for one in recordings:
        if one.artist is not None:
            files[one.artist, one.genre].append(one)
    artists: list[Artist] = []
    broken: dict[Recording, str] = {}
    for (name, genre), ones in tqdm(files.items(), desc="listening", unit="artist"):
        waveforms, unreadable = _loaded(ones if len({one.track for one in ones}) > 1 else [])
        broken |= unreadable
        tracks = longest_tracks(waveforms)
        if len(tracks) > 1 and any(len(waveform) >= CUT_SAMPLES for waveform in tracks.values()):
            heard = tuple(_track(waveform, track, ear) for track, waveform in tracks.items())
            artists.append(Artist(name, genre, heard))
    if len({artist.genre for artist in artists}) <= max(LABELS):
        raise DataError(
            f"Teaching needs artists of {max(LABELS) + 1} genres with two tracks each, one of 5 s or more."
        )
    return artists, broken


def _teach(artists: Sequence[Artist], stranger: Artist, rng: np.random.Generator) -> Draw:
    taught = TaughtLabels()
    others: list[list[Track]] = []
    for artist in artists:
        cuts, rest = artist.lesson(rng)
        others.append(rest)
        for cut in cuts:
            taught = taught.with_clip(artist.name, TaughtClip("a cut", cut))
    fitted, left_out = taught.fit(), taught.leave_one_out()
    own = [_distances(fitted, tracks) for tracks in others]
    return Draw(
        artists=tuple(artist.name for artist in artists),
        right={condition: _right(fitted, others, condition) for condition in ASKED_UNDER},
        left_out=left_out.right / left_out.tested,
        distances=torch.cat(own),
        truth=torch.cat([torch.full((len(each),), place) for place, each in enumerate(own)]),
        own_unlike=_unlike(fitted, torch.cat(own)),
        stranger_unlike=_unlike(fitted, _distances(fitted, stranger.tracks)),
    )


def _distances(fitted: Prototypes, tracks: Sequence[Track], condition: str = CLEAN) -> Tensor:
    """Of what is asked about to the labels, (tracks, labels)."""
    points = torch.tensor([track.asked[condition] for track in tracks])
    return teach.weighed(points, fitted.means, fitted.counts)


def _right(fitted: Prototypes, others: Sequence[Sequence[Track]], condition: str) -> float:
    """The share of tracks named rightly, each label counting alike."""
    named = [_distances(fitted, tracks, condition).argmin(dim=1) for tracks in others]
    return float(np.mean([float((each == place).double().mean()) for place, each in enumerate(named)]))


def _unlike(fitted: Prototypes, distances: Tensor) -> float:
    """The share that is called unlike all labels."""
    return 1 - float(fitted.are_familiar(distances).double().mean())


def _groups(artists: Sequence[Artist]) -> dict[str, list[Artist]]:
    groups: dict[str, list[Artist]] = defaultdict(list)
    for artist in artists:
        groups[artist.genre].append(artist)
    return groups


def _of_different_genres(
    groups: dict[str, list[Artist]], n: int, rng: np.random.Generator
) -> tuple[list[Artist], Artist]:
    """An artist of each of n genres, and a stranger of one more; all genres are as likely."""
    genres = rng.permutation(list(groups))[: n + 1]
    *taught, stranger = [groups[genre][rng.integers(len(groups[genre]))] for genre in genres]
    return taught, stranger


def _of_one_genre(
    groups: dict[str, list[Artist]], n: int, rng: np.random.Generator
) -> tuple[list[Artist], Artist]:
    """n artists of a genre, and a stranger of another one."""
    genre, other = rng.permutation([genre for genre, members in groups.items() if len(members) >= n])[:2]
    taught = [groups[genre][i] for i in rng.permutation(len(groups[genre]))[:n]]
    return taught, groups[other][rng.integers(len(groups[other]))]


def draws(artists: Sequence[Artist], n_labels: int, same_genre: bool = False) -> list[Draw]:
    """N_DRAWS random lessons."""
    groups, pick = _groups(artists), _of_one_genre if same_genre else _of_different_genres
    rng = np.random.default_rng(0)
    return [_teach(*pick(groups, n_labels, rng), rng) for _ in range(N_DRAWS)]


def _interval(made: Sequence[Draw], condition: str = CLEAN) -> list[float]:
    """95% percentile interval of the mean under resampling of artists with replacement."""
    names = sorted({name for draw in made for name in draw.artists})
    rng = np.random.default_rng(0)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=N_RESAMPLES)
    members = np.array([[names.index(name) for name in draw.artists] for draw in made])
    weights = counts[:, members].prod(axis=2)  # (resamples, draws)
    right = np.array([draw.right[condition] for draw in made])
    return [float(x) for x in np.percentile(weights @ right / weights.sum(axis=1), [2.5, 97.5])]


def _accuracy(made: Sequence[Draw]) -> dict[str, Any]:
    """Mean and interval, and how the pairs of artists lie about it."""
    pairs: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for draw in made:
        pairs[tuple(sorted(draw.artists))].append(draw.right[CLEAN])
    by_pair = np.array([np.mean(values) for values in pairs.values()])
    return {
        "accuracy": float(np.mean([draw.right[CLEAN] for draw in made])),
        "interval": _interval(made),
        "pairs": len(pairs),
        "by_pair": dict(zip(("lowest", "tenth", "median"), np.percentile(by_pair, [0, 10, 50]), strict=True)),
        f"pairs_from_{100 * GOAL:.0f}_percent": float((by_pair >= GOAL).mean()),
        "left_out": float(np.mean([draw.left_out for draw in made])),
    }


def _calibration(made: Sequence[Draw]) -> dict[str, float]:
    """The mean probability of the label named, beside how often it was right, and the best SPREAD."""
    distances = torch.cat([draw.distances for draw in made])  # (answers, labels)
    truth = torch.cat([draw.truth for draw in made])
    losses = [float(F.cross_entropy(-distances / (2 * spread), truth)) for spread in SPREADS]
    said = (-distances / (2 * teach.SPREAD)).softmax(dim=1).amax(dim=1)
    return {
        "said": float(said.mean()),
        "right": float((distances.argmin(dim=1) == truth).double().mean()),
        "best_spread": float(SPREADS[np.argmin(losses)]),
        "scatter": float(distances.gather(1, truth[:, None]).mean()),
    }


def measure(artists: Sequence[Artist]) -> dict[str, Any]:
    """All that is known of how well teaching works."""
    made = {n: draws(artists, n) for n in LABELS}
    pairs = made[2]
    return {
        "clips_taught_of_each": N_TAUGHT,
        "draws": N_DRAWS,
        "artists": len(artists),
        "genres": len(_groups(artists)),
        "tracks": sum(len(artist.tracks) for artist in artists),
        "different_genres": _accuracy(pairs),
        "same_genre": _accuracy(draws(artists, 2, same_genre=True)),
        "by_labels": {n: float(np.mean([draw.right[CLEAN] for draw in made[n]])) for n in LABELS},
        "conditions": {
            condition: {
                "accuracy": float(np.mean([draw.right[condition] for draw in pairs])),
                "interval": _interval(pairs, condition),
            }
            for condition in ASKED_UNDER
        },
        "calibration": {n: _calibration(made[n]) for n in LABELS},
        "unlike": {
            "own": float(np.mean([draw.own_unlike for draw in pairs])),
            "stranger": float(np.mean([draw.stranger_unlike for draw in pairs])),
        },
    }


def write(data: Path, output: Path) -> list[str]:
    """Measure teaching on the recordings below `data` and write it to `output`; what there is to say of it.

    Raises `DataError` for a folder that cannot be used, `WeightsError` without the pretrained model.
    """
    ear = bundled_ear()
    artists, broken = listen(index(data), ear)
    measured = {"ear": teach.fingerprint(ear), **measure(artists)}
    write_json(output / TEACHING_FILE.name, measured)
    skipped = [f"Skipped {one.genre}/{one.path.name}: {problem}" for one, problem in broken.items()]
    return [in_words(measured), *skipped]


def in_words(measured: dict[str, Any]) -> str:
    """The main result as a sentence."""
    different, same = measured["different_genres"], measured["same_genre"]
    low, high = (100 * bound for bound in different["interval"])
    return (
        f"Taught two artists by {measured['clips_taught_of_each']} clips of 5 s each, it names "
        f"{100 * different['accuracy']:.1f}% ({low:.1f} to {high:.1f}) of their other clips rightly where "
        f"they play different genres, and {100 * same['accuracy']:.1f}% within a genre "
        f"({measured['draws']} draws, {measured['artists']} artists)."
    )
