"""What can be measured of a sound without knowing what it is: explainable numbers, deaf to its level.

The measures are classical ones: Scheirer and Slaney, "Construction and evaluation of a robust multifeature
speech/music discriminator" (ICASSP 1997); Peeters, "A large set of audio features" (Ircam 2004).
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, one_hot

from genre_models.audio import SAMPLE_RATE

N_FFT = 2048
HOP = 512
FRAMES_PER_S = SAMPLE_RATE / HOP
BATCH = 5  # segments whose spectra are held at once
LOWEST_HZ, HIGHEST_HZ = 30.0, 8_000.0
FLOOR = 1e-6  # of the loudest frame's mean power: digital silence is the same as a quiet room
ACTIVE_DB = -30.0  # frames below the loudest that still count
WHITE_FLATNESS = 0.5615  # exp(-gamma): geometric over arithmetic mean of white noise's periodogram
PEAK_BINS = 2  # a partial's energy lies within this many bins of its peak
PITCHES_HZ = (70.0, 500.0)
N_BANDS = 20
BURST_DB = 6.0

MEASURES = (
    "flatness",
    "mean_flatness",
    "peak_share",
    "peak_spread",
    "peak_hold",
    "pitches",
    "chroma_peak",
    "change",
    "slow_change",
    "band_deviation",
    "level_deviation",
    "pauses",
    "syllables",
    "beat",
    "attack",
    "impulsiveness",
    "voicing",
    "voiced",
    "glide",
    "melody_spread",
    "centre",
    "centre_deviation",
    "breadth",
    "bass",
    "treble",
)
"""What the detector weighs; `measure` gives `FACTS` besides."""

FACTS = ("peak_hz", "bursts")


@cache
def _window() -> Tensor:
    return torch.hann_window(N_FFT)


@cache
def _frequencies() -> Tensor:
    return torch.arange(N_FFT // 2 + 1) * SAMPLE_RATE / N_FFT


@cache
def _bands() -> Tensor:
    """Membership of each bin in `N_BANDS` bands of equal width in log frequency, (bins, bands)."""
    edges = torch.logspace(torch.tensor(LOWEST_HZ).log10(), torch.tensor(HIGHEST_HZ).log10(), N_BANDS + 1)
    f = _frequencies()[:, None]
    membership = ((f >= edges[:-1]) & (f < edges[1:])).float()
    return membership / membership.sum(dim=0).clamp_min(1)


@cache
def _chroma() -> Tensor:
    """Membership of each bin from 100 Hz to 5 kHz in the twelve pitch classes, (bins, 12)."""
    f = _frequencies()
    keys = (69 + 12 * (f.clamp_min(1) / 440).log2()).round() % 12
    return one_hot(keys.long(), 12) * ((f > 100) & (f < 5_000)).float()[:, None]


def _weighted(values: Tensor, weights: Tensor) -> Tensor:
    """Mean over frames, (n, frames) -> (n,)."""
    return (values * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1e-12)


def _deviation(values: Tensor, weights: Tensor) -> Tensor:
    return _weighted((values - _weighted(values, weights)[:, None]).square(), weights).sqrt()


def power(segments: Tensor) -> Tensor:
    """Power spectra of segments (n, samples) over a floor 60 dB below the loudest, (n, frames, bins)."""
    frames = segments.unfold(1, N_FFT, HOP) * _window()
    spectra = torch.fft.rfft(frames).abs().square()
    spectra[..., _frequencies() < LOWEST_HZ / 2] = 0.0  # a constant offset is no sound
    loudest = spectra.mean(dim=2).amax(dim=1)[:, None, None]
    return spectra / loudest.clamp_min(1e-20) + FLOOR


def _peaks(inside: Tensor, energy: Tensor) -> tuple[Tensor, Tensor]:
    """Each frame's strongest partial: bin with parabolic fraction, share of the energy, both (n, frames)."""
    bins = inside[..., 1:-1].argmax(dim=2) + 1
    around = torch.stack([inside.gather(2, (bins + k).unsqueeze(2)).squeeze(2) for k in (-1, 0, 1)]).log()
    left, middle, right = around
    fraction = 0.5 * (left - right) / (left - 2 * middle + right).clamp_max(-1e-6)
    reach = torch.arange(-PEAK_BINS, PEAK_BINS + 1)
    near = (bins.unsqueeze(2) + reach).clamp(0, inside.shape[2] - 1)
    return bins + fraction.clamp(-0.5, 0.5), inside.gather(2, near).sum(dim=2) / energy


def _tonal(spectra: Tensor, active: Tensor) -> dict[str, Tensor]:
    f = _frequencies()
    first, last = int((f < LOWEST_HZ).sum()), int((f < HIGHEST_HZ).sum())
    inside = spectra[..., first:last]
    energy = inside.sum(dim=2)
    weights = active * energy
    places, share = _peaks(inside, energy)
    octaves = ((places + first) * SAMPLE_RATE / N_FFT).log2()
    held = ((octaves[:, 1:] - octaves[:, :-1]).abs() < 1 / 24).float()
    chroma = spectra @ _chroma()
    chroma = chroma / chroma.sum(dim=2, keepdim=True)
    overall = (chroma * active[..., None]).sum(dim=1)
    overall = overall / overall.sum(dim=1, keepdim=True).clamp_min(1e-12)
    logs = inside.log()
    flatness = (logs.mean(dim=2).exp() / inside.mean(dim=2)) / WHITE_FLATNESS
    mean = (inside * active[..., None]).sum(dim=1) + FLOOR
    return {
        "peak_hz": 2 ** _weighted(octaves, weights),
        "flatness": _weighted(flatness, active).clamp_min(1e-6).log10(),
        "mean_flatness": (mean.log().mean(dim=1).exp() / mean.mean(dim=1)).log10(),
        "peak_share": _weighted(share, weights),
        "peak_spread": 12 * _deviation(octaves, weights),
        "peak_hold": _weighted(held, weights[:, 1:]),
        "pitches": -(overall * overall.clamp_min(1e-9).log2()).sum(dim=1),
        "chroma_peak": _weighted(chroma.amax(dim=2), active),
    }


def _changing(bands: Tensor, active: Tensor) -> dict[str, Tensor]:
    """Of band levels in decibels (n, frames, bands)."""
    level = bands - bands.mean(dim=2, keepdim=True)
    slow = round(0.7 * FRAMES_PER_S)
    both, slow_both = active[:, 1:] * active[:, :-1], active[:, slow:] * active[:, :-slow]
    return {
        "change": _weighted((level[:, 1:] - level[:, :-1]).abs().mean(dim=2), both),
        "slow_change": _weighted((level[:, slow:] - level[:, :-slow]).abs().mean(dim=2), slow_both),
        "band_deviation": torch.stack([_deviation(band, active) for band in bands.unbind(2)]).mean(dim=0),
    }


def _bursts(level: Tensor) -> Tensor:
    """How often a level in decibels (n, frames) has risen by BURST_DB since it last fell by as much, (n,)."""
    counts = []
    for row in level.tolist():
        low, high, rising, count = row[0], row[0], False, 0
        for value in row:
            low, high = min(low, value), max(high, value)
            if not rising and value > low + BURST_DB:
                rising, high, count = True, value, count + 1
            elif rising and value < high - BURST_DB:
                rising, low = False, value
        counts.append(count)
    return level.new_tensor(counts)


def _rhythmic(decibels: Tensor, bands: Tensor) -> dict[str, Tensor]:
    """Of frame levels (n, frames) and band levels (n, frames, bands) in decibels."""
    n_frames = decibels.shape[1]
    frequencies = torch.fft.rfftfreq(n_frames, 1 / FRAMES_PER_S)
    modulation = torch.fft.rfft(decibels - decibels.mean(dim=1, keepdim=True)).abs().square()
    in_range = (frequencies >= 0.4) & (frequencies < 16)
    syllabic = (frequencies >= 2.5) & (frequencies < 8)
    onsets = (bands[:, 1:] - bands[:, :-1]).clamp_min(0).mean(dim=2)
    onsets = onsets - onsets.mean(dim=1, keepdim=True)
    spectrum = torch.fft.rfft(onsets, 2 * n_frames).abs().square()
    correlation = torch.fft.irfft(spectrum)[:, : round(2 * FRAMES_PER_S)]
    correlation = correlation / correlation[:, :1].clamp_min(1e-9)
    smooth = avg_pool1d(decibels.clamp_min(-40)[:, None], 5, 1, 2)[:, 0]
    rise, fall = (decibels.diff(dim=1).clamp_min(0), (-decibels.diff(dim=1)).clamp_min(0))
    return {
        "bursts": _bursts(smooth) / (n_frames / FRAMES_PER_S),
        "level_deviation": decibels.std(dim=1),
        "pauses": (decibels < -25).float().mean(dim=1),
        "syllables": modulation[:, syllabic].sum(dim=1) / modulation[:, in_range].sum(dim=1).clamp_min(1e-9),
        "beat": correlation[:, round(0.2 * FRAMES_PER_S) :].amax(dim=1),
        "attack": (rise.square().mean(dim=1) + 0.01).log10() - (fall.square().mean(dim=1) + 0.01).log10(),
    }


def _vocal(spectra: Tensor, active: Tensor) -> dict[str, Tensor]:
    """From each frame's autocorrelation, of its spectrum's magnitude (Tolonen and Karjalainen 2000)."""
    f = _frequencies()
    kept = spectra.sqrt() * ((f > LOWEST_HZ) & (f < 4_000))
    correlation = torch.fft.irfft(kept)[..., : N_FFT // 2]
    correlation = correlation / correlation[..., :1]
    shortest, longest = (round(SAMPLE_RATE / hz) for hz in reversed(PITCHES_HZ))
    clarity, lag = correlation[..., shortest:longest].max(dim=2)
    octaves = (lag + shortest).float().log2()
    voiced = active * (clarity > 0.4)
    step = 12 * (octaves[:, 1:] - octaves[:, :-1]).abs()
    joined = voiced[:, 1:] * voiced[:, :-1] * (step < 4)
    return {
        "voicing": _weighted(clarity, active),
        "voiced": _weighted((clarity > 0.4).float(), active),
        "glide": _weighted((step > 0.3).float(), joined),
        "melody_spread": 12 * _deviation(octaves, voiced + 1e-6),
    }


def _coloured(spectra: Tensor, bands: Tensor, active: Tensor) -> dict[str, Tensor]:
    f = _frequencies()
    energy = spectra.sum(dim=2)
    weights = active * energy
    centre = ((spectra * f).sum(dim=2) / energy).log2()
    mean = (bands * active[..., None]).sum(dim=1) / active.sum(dim=1, keepdim=True).clamp_min(1)
    return {
        "centre": _weighted(centre, active),
        "centre_deviation": _deviation(centre, active),
        "breadth": (mean > mean.amax(dim=1, keepdim=True) - 25).float().mean(dim=1),
        "bass": (_weighted(spectra[..., f < 150].sum(dim=2) / energy, weights) + 1e-4).log10(),
        "treble": (_weighted(spectra[..., f > 4_000].sum(dim=2) / energy, weights) + 1e-4).log10(),
    }


def _measure(segments: Tensor) -> dict[str, Tensor]:
    spectra = power(segments)
    decibels = 10 * spectra.mean(dim=2).log10()
    active = (decibels > ACTIVE_DB).float()
    bands = 10 * (spectra @ _bands()).log10()
    centred = segments - segments.mean(dim=1, keepdim=True)
    peak = centred.abs().amax(dim=1) / centred.square().mean(dim=1).sqrt().clamp_min(1e-9)
    return {
        **_tonal(spectra, active),
        **_changing(bands, active),
        **_rhythmic(decibels, bands),
        **_vocal(spectra, active),
        **_coloured(spectra, bands, active),
        "impulsiveness": peak.clamp_min(1e-9).log10(),
    }


def measure(segments: Tensor) -> dict[str, Tensor]:
    """Segments (n, samples at 22,050 Hz) -> each of MEASURES and FACTS by name, (n,)."""
    parts = [_measure(part) for part in segments.split(BATCH)]
    return {name: torch.cat([part[name] for part in parts]) for name in (*MEASURES, *FACTS)}
