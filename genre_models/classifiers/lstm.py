"""The recurrent network of the notes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genre_models.classifiers.base import GENRES, MFCCClassifier
from genre_models.features import N_FRAMES, N_MFCC


@torch.no_grad()
def initialise(lstm: nn.LSTM) -> None:
    """First weights that let the last state remember the first frame.

    Glorot uniform for the input (Glorot and Bengio 2010), orthogonal from state to state (Saxe et al. 2014),
    and forget gates opened for memories of 1 to 130 frames (Tallec and Ollivier 2018); with all gates half
    open, as PyTorch draws them, a frame is forgotten after two or three.
    """
    hidden = lstm.hidden_size
    for name, parameter in lstm.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(parameter)
        else:
            nn.init.zeros_(parameter)
        if name.startswith("bias_ih"):  # gates: input, forget, cell, output
            openness = torch.empty(hidden).uniform_(1, N_FRAMES - 1).log()
            parameter[hidden : 2 * hidden] = openness
            parameter[:hidden] = -openness


class LSTM(MFCCClassifier):
    """Two LSTM layers of 64 (Hochreiter and Schmidhuber 1997), the last state -> 64 -> 10."""

    name = "lstm"
    title = "LSTM"

    def __init__(self, genres: Sequence[str] = GENRES) -> None:
        super().__init__(genres)
        self.lstm = nn.LSTM(N_MFCC, 64, num_layers=2, batch_first=True)
        initialise(self.lstm)
        self.layers = nn.Sequential(
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(64, len(genres)),
        )

    def answer(self, standardised: Tensor) -> Tensor:
        """Standardised MFCCs (batch, 130, 13) -> logits (batch, 10)."""
        states, _ = self.lstm(standardised)  # (batch, 130, 64)
        return self.layers(states[:, -1])
