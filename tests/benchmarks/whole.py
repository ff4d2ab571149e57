"""The whole answer for a 30 s clip beside DistilHuBERT, the model of the public course on audio.

`python -m tests.benchmarks.whole [CLIP]` asks the four networks, then all five models, turn by turn with
`transformers`' audio-classification pipeline around a DistilHuBERT of the published sizes and random weights:
only its time counts. The pipeline gets the samples from our decoder, at its own rate, since its own way
starts another program. The figures go to `assets/metrics/whole.json`.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import soundfile
import torch
from transformers import HubertConfig, HubertForSequenceClassification, Wav2Vec2FeatureExtractor, pipeline

from genre_models import audio
from genre_models.classifiers import GENRES, MusiCNNClassifier
from genre_models.classify import classify
from genre_models.hub import Ensemble, load_ensemble
from genre_models.paths import BUNDLED_WEIGHTS
from tests.benchmarks.beside import compared, keep, machine, turns
from tests.conftest import music

ROUNDS = 7
CLIP_S = 30
PEER = "DistilHuBERT"
PEER_RATE = 16_000
LAYERS = 2  # all other sizes of ntu-spml/distilhubert are HuBERT's own


def distilhubert() -> pipeline:
    """Its classifier of ten genres, as `transformers` serves it."""
    config = HubertConfig(num_hidden_layers=LAYERS, feat_proj_layer_norm=False, num_labels=len(GENRES))
    return pipeline(
        "audio-classification",
        model=HubertForSequenceClassification(config).eval(),
        feature_extractor=Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=False),
        device="cpu",
    )


def without_ear(ensemble: Ensemble) -> Ensemble:
    """The four networks, their verdict and the detector, without the pretrained fifth."""
    models = {name: one for name, one in ensemble.models.items() if name != MusiCNNClassifier.name}
    return Ensemble(models, ensemble.combination, ensemble.detector)


def main() -> None:
    """Measure, print and keep."""
    five, peer = load_ensemble(BUNDLED_WEIGHTS), distilhubert()
    four = without_ear(five)
    ran_on = machine(threads=torch.get_num_threads(), rounds=ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.flac"
        if len(sys.argv) > 1:
            shutil.copy(sys.argv[1], clip)
        else:
            soundfile.write(clip, music(CLIP_S, audio.SAMPLE_RATE), audio.SAMPLE_RATE)

        def ask_peer() -> None:
            peer({"raw": audio.load(clip, PEER_RATE).numpy(), "sampling_rate": PEER_RATE})

        rows = [
            compared(f"a 30 s clip's answer, {name}", PEER, turns(ours, ask_peer, ROUNDS), goal)
            for name, ours, goal in (
                ("four networks", lambda: classify(clip, four), 10.0),
                ("with the pretrained fifth", lambda: classify(clip, five), 3.0),
            )
        ]
    keep("whole", ran_on, rows)


if __name__ == "__main__":
    main()
