"""The fifth model: MusiCNN, pretrained and frozen, with linear heads for the ten genres."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from genre_models import musicnn
from genre_models.classifiers.base import GENRES, GenreClassifier
from genre_models.classifiers.heads import Heads
from genre_models.denoiser import MENDED, Denoiser
from genre_models.musicnn import FRONT_CHANNELS, N_MELS, MusiCNN
from genre_models.restorer import KERNEL_DIMENSIONS, Restorer, in_8_bits
from genre_models.weights import WEIGHTS_FILE

RESTORER = "ear.restorer."
SCALE = ".scale"


class MusiCNNClassifier(
    GenreClassifier,
    license="isc",
    model_card_template=(Path(__file__).parent / "card_musicnn.md").read_text(encoding="utf-8"),
):
    """6 s at 16 kHz, denoised -> what MusiCNN hears in them, (batch, 1506) -> linear layers -> 10.

    The `heads` were trained here, as were the denoiser, which knows nothing of genres, and the restorer; of
    `ear` the rest is as its makers left it.
    """

    name = "musicnn"
    title = "MusiCNN"
    hears = "waveform"

    def __init__(self, genres: Sequence[str] = GENRES) -> None:
        super().__init__(genres)
        self.ear = MusiCNN(Denoiser(N_MELS), Restorer(FRONT_CHANNELS))
        self.heads = Heads(len(genres))

    def _save_pretrained(self, save_directory: Path) -> None:
        """The restorer's kernels in 8 bits, each output channel with a scale of its own: half the file."""
        kept = {}
        for name, values in self.state_dict().items():
            if name.startswith(RESTORER) and values.dim() == KERNEL_DIMENSIONS:
                kept[name], kept[f"{name}{SCALE}"] = in_8_bits(values)
            else:
                kept[name] = values.contiguous()
        save_file(kept, save_directory / WEIGHTS_FILE, metadata={"format": "pt"})

    @classmethod
    def _load_as_safetensor(cls, model: Any, model_file: str, map_location: str, strict: bool) -> Any:
        kept = load_file(model_file, device=map_location)
        scales = {name: kept.pop(name) for name in list(kept) if name.endswith(SCALE)}
        for name, scale in scales.items():
            kernel = name.removesuffix(SCALE)
            kept[kernel] = kept[kernel] * scale
        model.load_state_dict(kept)
        return model.eval()

    def card_facts(self) -> dict[str, Any]:
        """For the card: also the constants of the ear's front end."""
        return super().card_facts() | {
            "musicnn": musicnn,
            "denoising": self.n_denoising,
            "restoring": self.n_restoring,
            "mended": MENDED,
        }

    @property
    def n_denoising(self) -> int:
        """The denoiser's weights, which were learned here."""
        return _numbers(self.ear.denoiser)

    @property
    def n_restoring(self) -> int:
        """The restorer's weights, which were learned here."""
        return _numbers(self.ear.restorer)

    @property
    def n_trained(self) -> int:
        """The heads' weights, the denoiser's and the restorer's."""
        return super().n_trained + self.n_denoising + self.n_restoring

    @property
    def n_frozen(self) -> int:
        """The published ear's weights and the statistics of its batch norms."""
        return _numbers(self.ear) - self.n_denoising - self.n_restoring

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, 96000) -> logits (batch, 10)."""
        heard = self.ear.listen(waveforms)
        logits: Tensor = self.heads(heard.restored, heard.mended)
        return logits


def _numbers(part: nn.Module | None) -> int:
    held = () if part is None else part.state_dict().values()
    return sum(values.numel() for values in held if values.is_floating_point())
