"""Figures of the Inside tab: what they show of the data, and that they stay small and say what they show."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from genre_models.inside.denoised import Denoised
from genre_models.inside.features import Seen
from genre_models.plots import look
from genre_models.plots.denoised import denoised
from genre_models.plots.features import coefficient_name, features, ripple
from genre_models.plots.frames import over_frames
from genre_models.plots.layers import feature_pictures, neuron_pictures, pictures, state_pictures
from genre_models.plots.occlusion import Occluded, mel_occlusion, occlusion
from tests.test_plots import luminance

PLAYER = "player"
FRAMES_S = np.arange(130) * 1024 / 22050
RANDOM = np.random.default_rng(0)


def seen(duration_s: float = 30.0) -> Seen:
    """A clip of noise."""
    times = np.arange(0, duration_s, 1024 / 22050)
    return Seen(
        duration_s=duration_s,
        segment_starts_s=tuple(np.arange(0, duration_s - 5, 6.0).tolist()),
        envelope_times_s=np.linspace(0, duration_s, 2000),
        envelope_low=-RANDOM.random(2000),
        envelope_high=RANDOM.random(2000),
        mel_times_s=times,
        mel_frequencies_hz=np.geomspace(30, 11_000, 128),
        mel_db=RANDOM.integers(-80, 1, (128, len(times))).astype(np.int8),
        mfcc_times_s=times,
        mfccs=RANDOM.normal(size=(13, len(times))).astype(np.float32) * 20,
    )


CLIP = seen()
MAP = RANDOM.dirichlet(np.ones(130), size=130)
MFCCS = RANDOM.normal(size=(13, 130)).astype(np.float32)


def occluded(name: str, lowest: float = -0.2) -> Occluded:
    by_time = np.full(25, 0.01)
    by_time[7] = lowest
    return Occluded(name, name.upper(), 6.2 + 0.23 * np.arange(25), by_time, np.linspace(0.02, -0.3, 13))


RECORDED = np.linspace(0, 5, 96)[:, None].repeat(374, axis=1)
HEARD = Denoised(6.0, 0.016, np.geomspace(30, 7_800, 96), RECORDED, RECORDED / 2)
MODELS = [occluded(name) for name in ("mlp", "cnn", "lstm", "transformer")]
FIGURES: dict[str, go.Figure] = {
    "features": features(CLIP, PLAYER),
    "frames": over_frames(MAP, MAP.mean(axis=0) * 130, MFCCS, FRAMES_S, "Layer 1, head 2", PLAYER),
    "occlusion": occlusion(MODELS, "jazz", (6.0, 12.0), PLAYER),
    "mel": mel_occlusion(
        "musicnn", np.full((8, 12), np.nan), np.linspace(0, 6, 13), np.linspace(0, 8000, 9), "jazz", PLAYER
    ),
    "denoised": denoised(HEARD, PLAYER),
    "layers": pictures("cnn", feature_pictures([("Convolution", FRAMES_S, np.ones((32, 128, 11)))]), "Maps."),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_leave_colour_and_type_to_the_page_and_say_what_they_show(name: str) -> None:
    layout = FIGURES[name].layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert layout.font.size >= 12
    assert layout.meta["alt"]


@pytest.mark.parametrize("name", ["features", "frames", "occlusion", "mel", "denoised"])
def test_axes_have_titles_and_seconds_have_the_player(name: str) -> None:
    layout = FIGURES[name].layout.to_plotly_json()
    axes = [value for key, value in layout.items() if key.startswith(("xaxis", "yaxis"))]
    assert all(axis["title"]["text"] for axis in axes)
    assert layout["meta"]["player"] == PLAYER


def test_waveform_spectrogram_and_mfccs_share_their_seconds() -> None:
    figure = FIGURES["features"]
    assert {trace.xaxis or "x" for trace in figure.data} == {"x"}
    assert [trace.yaxis for trace in figure.data] == ["y", "y", "y2", "y3"]
    assert figure.layout.xaxis.range == (0, 30)
    assert all(figure.layout[f"yaxis{i}"].fixedrange for i in ("", 2, 3))
    spectrogram = figure.data[2]
    assert spectrogram.x0 + 645 * spectrogram.dx == pytest.approx(CLIP.mel_times_s[645])


def test_a_spectrogram_is_shown_before_and_after_the_denoiser_on_one_scale() -> None:
    figure = FIGURES["denoised"]
    above, below = figure.data
    assert (above.yaxis, below.yaxis) == ("y", "y2")
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]
    assert (above.zmin, above.zmax, above.x0, above.dx) == (below.zmin, below.zmax, 6.0, 0.016)
    assert above.z[-1][0] == 100  # louder than the scale goes
    assert below.z[-1][0] == 56
    assert above.hovertemplate != below.hovertemplate
    assert len(figure.to_json()) < 150_000


def test_segments_are_marked_and_numbered() -> None:
    figure = FIGURES["features"]
    assert figure.layout.shapes[0].path == "M6.0,0 V1 M12.0,0 V1 M18.0,0 V1 M24.0,0 V1"
    words = [note.text for note in figure.layout.annotations]
    assert words[:5] == [f"segment {i}" for i in range(1, 6)]
    assert figure.layout.meta["segments"][-1] == [24.0, 30.0]
    long = features(seen(600.0), PLAYER)
    numbers = [note.text for note in long.layout.annotations if note.text.isdigit()]
    assert len(numbers) <= 20
    assert numbers[:2] == ["1", "6"]


def test_hovering_names_coefficients_and_says_their_own_values() -> None:
    mfccs = FIGURES["features"].data[3]
    np.testing.assert_array_equal(mfccs.customdata, CLIP.mfccs)
    assert mfccs.y[:2] == ("MFCC 0, loudness", "MFCC 1, lows against highs")
    assert "%{customdata" in mfccs.hovertemplate
    assert FIGURES["features"].data[2].y[0] == "30 Hz"


def test_silence_has_no_shades_of_its_own() -> None:
    still = features(Seen(**{**vars(CLIP), "mfccs": np.full_like(CLIP.mfccs, 7)}), PLAYER)
    assert (np.asarray(still.data[3].z) == 0).all()


def test_features_of_a_clip_are_small_to_send() -> None:
    assert len(FIGURES["features"].to_json()) < 300_000


def test_ripples_are_the_waves_of_the_cosine_transform() -> None:
    assert ripple(0)[0][1] == ripple(0)[-1][1] == 1
    for number in range(13):
        heights = [height for _, height in ripple(number)]
        assert heights[-1] == pytest.approx((-1) ** number)
    assert coefficient_name(5) == "ripples, 2.5 waves"


def test_a_map_lies_under_the_frames_that_are_looked_at() -> None:
    heatmap, curve, frames = FIGURES["frames"].data
    np.testing.assert_allclose(heatmap.x, FRAMES_S)
    np.testing.assert_allclose(curve.x, FRAMES_S, rtol=1e-6)
    np.testing.assert_allclose(frames.x, FRAMES_S, rtol=1e-6)
    assert {trace.xaxis or "x" for trace in (heatmap, curve, frames)} == {"x"}
    assert np.mean(curve.y) == pytest.approx(1, abs=1e-3)
    layout = FIGURES["frames"].layout
    assert (
        layout.yaxis.domain[1] < layout.yaxis3.domain[0] < layout.yaxis3.domain[1] < layout.yaxis2.domain[0]
    )


def test_occlusion_is_in_percentage_points_and_zero_is_in_sight() -> None:
    figure = FIGURES["occlusion"]
    curves = [trace for trace in figure.data if trace.type == "scatter"]
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [curve.line.color for curve in curves] == [look.MODELS[model.name] for model in MODELS]
    assert min(curves[0].y) == pytest.approx(-20)
    assert bars[0].y[12] == pytest.approx(-30)
    low, high = figure.layout.yaxis.range
    assert low < -20
    assert high >= 1
    assert "MLP: -20 points without 7.8 s, -30 without MFCC 12" in figure.layout.meta["alt"]


def test_a_trifle_does_not_fill_the_figure() -> None:
    low, high = occlusion([occluded("cnn", -0.0001)], "jazz", (0, 6), PLAYER).layout.yaxis.range
    assert high - low >= 2


def test_no_change_has_no_sign() -> None:
    assert (
        "CNN: 0 points without"
        in occlusion([occluded("cnn", -0.0001)], "jazz", (0, 6), PLAYER).layout.meta["alt"]
    )


def test_what_speaks_for_a_genre_has_the_colour_of_the_model() -> None:
    change = np.zeros((8, 12))
    change[2, 3], change[5, 5] = -0.4, np.nan
    heatmap = mel_occlusion(
        "musicnn", change, np.linspace(0, 6, 13), np.linspace(0, 8000, 9), "jazz", PLAYER
    ).data[0]
    assert heatmap.zmin == -heatmap.zmax == pytest.approx(-40)
    assert heatmap.z[2][3] == pytest.approx(-40)
    assert np.isnan(heatmap.z[5][5])
    assert heatmap.colorscale[0][1] == look.MODELS["musicnn"]
    assert heatmap.y[1] == "1,000 to 2,000 Hz"


def test_feature_maps_are_tiles_read_from_the_top() -> None:
    maps = np.zeros((32, 128, 11))
    maps[0, 3, 0], maps[8, 0, 10], maps[31, 127, 10] = 1, 2, 4
    heatmap = pictures("cnn", feature_pictures([("Convolution", FRAMES_S, maps)]), "alt").data[0]
    z, names = np.asarray(heatmap.z), np.asarray(heatmap.customdata)
    assert z.shape == (4 * 11, 8 * 128)
    assert (z[33, 3], z[33 - 1, 0], z[10, 8 * 128 - 1]) == (25, 50, 100)
    assert (names[33, 3], names[32, 0], names[10, 8 * 128 - 1]) == (1, 9, 32)


def test_maps_of_one_coefficient_and_states_are_rows_over_time() -> None:
    maps = RANDOM.random((128, 30, 1))
    last = pictures("cnn", feature_pictures([("Convolution", np.arange(30), maps)]), "alt")
    assert np.asarray(last.data[0].z).shape == (128, 30)
    assert last.layout.xaxis.title.text == "Seconds"
    states = {"gate": np.full((130, 64), 0.99), "cell": RANDOM.normal(size=(130, 64))}
    gate, cell = pictures("lstm", state_pictures(states, FRAMES_S), "alt").data
    assert gate.zmin > 90, "a gate that hardly moves still shows how it does"
    assert cell.zmin == -100
    assert cell.colorscale[-1][1] == look.MODELS["lstm"]


def test_neurons_are_in_reading_order_and_scores_have_genres() -> None:
    values = np.arange(512.0)
    first, scores = pictures(
        "mlp", neuron_pictures([("512", values), ("3", np.array([1.0, -2, 0]))], ["a", "b", "c"]), "alt"
    ).data
    assert np.asarray(first.customdata)[-1, 0] == 1
    assert np.asarray(first.customdata)[0, 63] == 512
    assert np.asarray(first.z)[0, 63] == 100
    assert tuple(scores.x) == ("a", "b", "c")
    assert list(np.asarray(scores.z)[0]) == [50, -100, 0]


@pytest.mark.parametrize("colour", look.MODELS.values())
@pytest.mark.parametrize("panel", ["#ffffff", "#171b22"])
def test_model_colours_stand_out_in_light_and_dark(colour: str, panel: str) -> None:
    darker, lighter = sorted((luminance(colour), luminance(panel)))
    assert (lighter + 0.05) / (darker + 0.05) >= 3  # WCAG 1.4.11


def test_two_sided_scales_fade_to_nothing_at_zero() -> None:
    scale: list[Any] = look.two_sided("#102030", "#405060")
    assert scale == [
        (0.0, "#102030"), (0.5, "rgba(16, 32, 48, 0)"), (0.5, "rgba(64, 80, 96, 0)"), (1.0, "#405060")
    ]  # fmt: skip
