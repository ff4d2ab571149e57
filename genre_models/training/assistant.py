"""Soft labels for the small networks: what the pretrained ear knows, as far as an MFCC can tell it.

MusiCNN hears a waveform, the small networks 13 coefficients; much of what it says cannot be seen in them. So
a teacher assistant (Mirzadeh et al., "Improved knowledge distillation via teacher assistant", AAAI 2020)
first learns what can: kernel ridge regression from statistics of the MFCCs to MusiCNN's embedding, on the
labelled recordings of the training side and on unlabelled music, then logistic regression from both to the
genre. Being a function of the MFCCs alone, it can label whatever a network is shown, cut, mixed or augmented,
which makes it consistent (Beyer et al., "Knowledge distillation: a good teacher is patient and consistent",
CVPR 2022).
"""

from collections.abc import Callable

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
MOST_UNLABELLED = 4_000
"""Segments of other music that are learned from; twice as many make it no better, and take long."""
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


class Imagination:
    """What MusiCNN would hear, as far as an MFCC can tell it: kernel ridge regression from the statistics.

    Learned from `mfccs` (n, 130, 13) and `embedding` (n, 200), by which both are standardised, and from
    `others` beside them.
    """

    def __init__(self, mfccs: Tensor, embedding: Tensor, others: tuple[Tensor, Tensor] | None = None) -> None:
        raw = statistics(mfccs)
        self._mean, self._std = raw.mean(dim=0), raw.std(dim=0) + SMALL
        centre, scale = embedding.mean(dim=0), embedding.std(dim=0) + SMALL
        self._support = self.described(mfccs)
        if others is not None and len(others[0]):
            self._support = torch.cat([self._support, self.described(others[0])])
            embedding = torch.cat([embedding, others[1]])
        self._support = self._support.double()
        self._lengths = self._support.square().sum(dim=1)
        kernel = self._kernel(self._support)
        kernel.diagonal().add_(RIDGE)
        heard = ((embedding - centre) / scale).double()
        self._dual = torch.cholesky_solve(heard, torch.linalg.cholesky(kernel))

    def _kernel(self, described: Tensor) -> Tensor:
        """(n, 141) -> (n, support), in double precision, so that no answer hangs on what else is asked."""
        described = described.double()
        apart = torch.addmm(self._lengths, described, self._support.T, alpha=-2)
        apart.add_(described.square().sum(dim=1, keepdim=True)).clamp_(min=0)
        return apart.mul_(-KERNEL_WIDTH / described.shape[1]).exp_()

    def described(self, mfccs: Tensor) -> Tensor:
        """Standardised statistics, (n, 130, 13) -> (n, 141)."""
        return (statistics(mfccs) - self._mean) / self._std

    def __call__(self, described: Tensor) -> Tensor:
        """Standardised statistics (n, 141) -> embedding (n, 200), standardised."""
        return (self._kernel(described) @ self._dual).float()

    def then(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        """Itself and then a linear map `weight` (k, 200), at a fraction of the cost, (n, 141) -> (n, k)."""
        dual = self._dual @ weight.T.double()
        return lambda described: (self._kernel(described) @ dual).float()


class Assistant:
    """MFCCs (n, 130, 13) -> log-probabilities (n, 10), fitted to one training side.

    `mfccs` (n, 130, 13), `embedding` (n, 200) and `labels` (n,) are of its segments, each of which weighs
    as `weights` (n,) say when genres are learned; `unlabelled` are MFCCs and embedding of other music.
    """

    def __init__(
        self,
        mfccs: Tensor,
        embedding: Tensor,
        labels: Tensor,
        weights: Tensor,
        unlabelled: tuple[Tensor, Tensor],
    ) -> None:
        others = _some(unlabelled, MOST_UNLABELLED)
        self._imagine = Imagination(mfccs, embedding, others)
        regression = LogisticRegression(C=C, class_weight="balanced", max_iter=MAX_ITERATIONS)
        described = self._imagine.described(mfccs)
        inputs = torch.cat([described, self._imagine(described)], dim=1)
        regression.fit(inputs.numpy(), labels.numpy(), sample_weight=weights.numpy())
        weight = torch.zeros(len(GENRES), inputs.shape[1])
        self._bias = torch.full((len(GENRES),), -1e4)  # a genre that was not in training is never named
        weight[regression.classes_] = torch.from_numpy(regression.coef_).float()
        self._bias[regression.classes_] = torch.from_numpy(regression.intercept_).float()
        self._weight = weight[:, : described.shape[1]]
        self._imagined = self._imagine.then(weight[:, described.shape[1] :])

    @torch.no_grad()
    def __call__(self, mfccs: Tensor) -> Tensor:
        """Label whatever is shown."""
        described = self._imagine.described(mfccs)
        logits = described @ self._weight.T + self._imagined(described) + self._bias
        return logits.log_softmax(dim=-1)


def _some(music: tuple[Tensor, Tensor], most: int) -> tuple[Tensor, Tensor]:
    """Segments drawn at random, always the same ones, where there are more than `most`."""
    chosen = torch.randperm(len(music[0]), generator=torch.Generator().manual_seed(0))[:most]
    return music[0][chosen], music[1][chosen]
