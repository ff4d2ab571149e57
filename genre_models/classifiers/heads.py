"""What names a genre from what MusiCNN heard: linear layers, one for each way in which it may be recorded."""

import torch
from torch import Tensor, nn

from genre_models.denoiser import MENDED
from genre_models.musicnn import POOLED

RECORDED = ("clean", "room", "babble", "noise")
"""How a segment may be recorded that the denoiser leaves much as it is."""
UNLIKE = 0.5
"""Where `Heads.unlike` is above this on average, a recording is unlike those that the networks of the notes
learned from."""


class Heads(nn.Module):
    """(n, 1506) -> log-probabilities (n, genres).

    `gate` judges how a segment is recorded, and the heads of `near` answer in those shares: a mixture of
    experts (Jacobs, Jordan, Nowlan and Hinton, "Adaptive mixtures of local experts", Neural Computation,
    1991). Segments that the denoiser changes by more than `MENDED` on average are named by `distant` alone.
    """

    def __init__(self, genres: int) -> None:
        super().__init__()
        self.near = nn.ModuleDict({name: nn.Linear(POOLED, genres) for name in RECORDED})
        self.gate = nn.Linear(POOLED, len(RECORDED))
        self.distant = nn.Linear(POOLED, genres)

    def forward(self, restored: Tensor, mended: Tensor) -> Tensor:
        """What the ear heard of n segments, restored, (n, 1506), and the denoiser's change (n,)."""
        shares = self.gate(restored).log_softmax(dim=-1)  # (n, ways to be recorded)
        answers = torch.stack([head(restored).log_softmax(dim=-1) for head in self.near.values()], dim=1)
        near = (shares[:, :, None] + answers).logsumexp(dim=1)
        far = self.distant(restored).log_softmax(dim=-1)
        return torch.where((mended > MENDED)[:, None], far, near)

    def unlike(self, restored: Tensor, mended: Tensor) -> Tensor:
        """How surely n segments are not recorded well, 0 to 1, (n,); the arguments are those of a call."""
        clean = self.gate(restored).softmax(dim=-1)[:, RECORDED.index("clean")]
        return torch.where(mended > MENDED, 1.0, 1 - clean)

    def know_nothing(self) -> None:
        """All genres are equally likely, until they are trained."""
        for weights in self.parameters():
            nn.init.zeros_(weights)
