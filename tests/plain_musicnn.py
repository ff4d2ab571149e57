"""MusiCNN layer by layer as its description has it: what the rearranged network is held against."""

import torch
from torch import Tensor
from torch.nn import functional as F

from genre_models.musicnn import Heard, MusiCNN


def front(ear: MusiCNN, x: Tensor) -> Tensor:
    """Convolution, bias, ReLU, norm, maximum over the mels: (batch, 187, 96) -> (batch, 187, 561)."""
    x = ear.input_norm(x.flatten(1).unsqueeze(1)).view_as(x).unsqueeze(1)  # (batch, 1, frames, mels)
    parts = []
    for layer in (*ear.timbral, *ear.temporal):
        frames = layer.convolution.kernel_size[0]
        before = (frames - 1) // 2
        convolved = F.relu(layer.convolution(F.pad(x, (0, 0, before, frames - 1 - before))))
        normed = layer.norm(convolved.flatten(2)).view_as(convolved)
        parts.append(normed.amax(dim=3).transpose(1, 2))
    return torch.cat(parts, dim=2)


@torch.no_grad()
def hear(ear: MusiCNN, x: Tensor) -> Heard:
    """The whole network, (batch, 187, 96)."""
    first_part = front(ear, x)
    first = ear.middle[0](first_part)
    second = ear.middle[1](first) + first
    third = ear.middle[2](second) + second
    channels = torch.cat([first_part, first, second, third], dim=2)
    pooled = ear.pool_norm(torch.stack([channels.amax(dim=1), channels.mean(dim=1)], dim=2).flatten(1))
    embedding = ear.penultimate_norm(F.relu(ear.penultimate(pooled)))
    return Heard(ear.tags(embedding).sigmoid(), embedding, pooled, x.new_zeros(len(x)), pooled)
