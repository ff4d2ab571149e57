"""Where the Transformer encoder looks in one segment, in seconds."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch

from genre_models.attention import EncoderLayer
from genre_models.attention_maps import chosen_map
from genre_models.classifiers import TransformerClassifier
from genre_models.inside.clip import InsideClip


@dataclass(frozen=True)
class SegmentAttention:
    """Attention between the 130 frames of a segment: each row sums to 1."""

    times_s: np.ndarray  # (130,), of queries and keys alike, seconds from the clip's start
    layers: list[np.ndarray]  # (heads, 130 queries, 130 keys) each, float32

    def received(self, layer: int | None = None, head: int | None = None) -> np.ndarray:
        """How much each frame is looked at, (130,): the mean of a map over its queries, times 130.

        1 is what every frame would get if all got the same, and the mean over the frames.
        """
        weights = chosen_map(self.layers, layer, head)
        return weights.mean(axis=0) * weights.shape[1]


@torch.inference_mode()
def attend(
    model: TransformerClassifier, clip: InsideClip, segment: int, weighted: bool = False
) -> SegmentAttention:
    """Look at one segment of a clip.

    With `weighted`, each weight counts by the length of the vector it carries to the output, as a share of
    its row (Kobayashi, Kuribayashi, Yokoi and Inui, "Attention is not only a weight", EMNLP 2020): a frame
    that is looked at much but carries next to nothing falls back.
    """
    x = model.embed(model.standardise(clip.mfccs[segment : segment + 1]))  # (1, 130, d_model)
    layers = []
    for layer in cast(Iterable[EncoderLayer], model.encoder):
        norms = layer.attention.value_norms(x)  # (1, heads, 130)
        x, weights = layer(x, return_attention=True)
        if weighted:
            weights = weights * norms[:, :, None]
            weights = weights / weights.sum(dim=-1, keepdim=True)
        layers.append(weights[0].numpy())
    return SegmentAttention(clip.frame_times_s(segment), layers)
