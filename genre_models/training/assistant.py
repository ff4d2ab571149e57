"""Soft labels for the small networks: what the pretrained ear knows, as far as an MFCC can tell it.

MusiCNN hears a waveform, the small networks 13 coefficients; much of what it says cannot be seen in them. So
a teacher assistant (Mirzadeh et al., "Improved knowledge distillation via teacher assistant", AAAI 2020)
first learns what can: kernel ridge regression from statistics of the MFCCs to MusiCNN's embedding, on the
labelled recordings of the training side and on unlabelled music, then logistic regression from both to the
genre. Being a function of the MFCCs alone, it can label whatever a network is shown, cut, mixed or augmented,
which makes it consistent (Beyer et al., "Knowledge distillation: a good teacher is patient and consistent",
CVPR 2022).
"""

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from genre_models.classifiers import GENRES
from genre_models.features import N_MFCC

MODULATION_COEFFICIENTS = 5
MODULATION_BANDS = ((1, 6), (6, 12), (12, 24), (24, 48), (48, 66))  # in 1/6 Hz: rhythm to roughness
RIDGE = 1.0
KERNEL_WIDTH = 0.5
C = 0.01
SMALL = 1e-6
MAX_ITERATIONS = 500
_PAIRS = torch.triu_indices(N_MFCC, N_MFCC, 1)


def statistics(mfccs: Tensor) -> Tensor:
    """What a segment is like on the whole, deaf to its level: (n, 130, 13) -> (n, 141).

    Means (all but of coefficient 0), deviations, deviations of the differences, correlations, and the share
    of the variance of the first coefficients in each modulation band.
    """
    centred = mfccs - mfccs.mean(dim=1, keepdim=True)
    deviation = centred.square().mean(dim=1).sqrt()
    covariance = torch.einsum("nti,ntj->nij", centred, centred) / mfccs.shape[1]
    correlation = covariance / (deviation[:, :, None] * deviation[:, None, :] + SMALL)
    first = centred[:, :, :MODULATION_COEFFICIENTS].transpose(1, 2).contiguous()
    power = torch.fft.rfft(first).abs().square()  # (n, coefficients, frequencies)
    whole = power.sum(dim=2) + SMALL
    bands = [(power[:, :, a:b].sum(dim=2) / whole + 1e-4).log() for a, b in MODULATION_BANDS]
    return torch.cat(
        [
            mfccs.mean(dim=1)[:, 1:],
            deviation,
            mfccs.diff(dim=1).std(dim=1),
            correlation[:, _PAIRS[0], _PAIRS[1]],
            *bands,
        ],
        dim=1,
    )


class Assistant:
    """MFCCs (n, 130, 13) -> log-probabilities (n, 10), fitted to one training side.

    `mfccs` (n, copies, 130, 13) are of its segments, clean and augmented alike, `embedding` (n, 200) and
    `labels` (n,) of the clean ones; `unlabelled` are MFCCs and embedding of other music.
    """

    def __init__(
        self, mfccs: Tensor, embedding: Tensor, labels: Tensor, unlabelled: tuple[Tensor, Tensor]
    ) -> None:
        copies = mfccs.shape[1]
        flat = mfccs.flatten(0, 1)
        raw = statistics(flat)
        self._mean, self._std = raw.mean(dim=0), raw.std(dim=0) + SMALL
        known = self._standardised(flat)
        embedding = embedding.repeat_interleave(copies, dim=0)
        centre, scale = embedding.mean(dim=0), embedding.std(dim=0) + SMALL
        others = [self._standardised(unlabelled[0])] if len(unlabelled[0]) else []
        self._support = torch.cat([known, *others])
        heard = (torch.cat([embedding, unlabelled[1]]) - centre) / scale
        kernel = self._kernel(self._support.double(), self._support.double())
        kernel.diagonal().add_(RIDGE)
        self._dual = torch.cholesky_solve(heard.double(), torch.linalg.cholesky(kernel)).float()
        regression = LogisticRegression(C=C / copies, class_weight="balanced", max_iter=MAX_ITERATIONS)
        regression.fit(self._inputs(known).numpy(), labels.repeat_interleave(copies).numpy())
        self._weight = torch.zeros(len(GENRES), regression.coef_.shape[1])
        self._bias = torch.full((len(GENRES),), -1e4)  # a genre that was not in training is never named
        self._weight[regression.classes_] = torch.from_numpy(regression.coef_).float()
        self._bias[regression.classes_] = torch.from_numpy(regression.intercept_).float()

    def _standardised(self, mfccs: Tensor) -> Tensor:
        return (statistics(mfccs) - self._mean) / self._std

    def _kernel(self, one: Tensor, other: Tensor) -> Tensor:
        width = KERNEL_WIDTH / one.shape[1]
        return (-width * torch.cdist(one, other).square()).exp()

    def _inputs(self, standardised: Tensor) -> Tensor:
        imagined = self._kernel(standardised, self._support) @ self._dual  # what MusiCNN would hear
        return torch.cat([standardised, imagined], dim=1)

    @torch.no_grad()
    def __call__(self, mfccs: Tensor) -> Tensor:
        """Label whatever is shown."""
        logits = self._inputs(self._standardised(mfccs)) @ self._weight.T + self._bias
        return logits.log_softmax(dim=-1)
