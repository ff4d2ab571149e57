"""How every model is loaded: all of its weights, from safetensors, never from a pickle."""

from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Self

from huggingface_hub import ModelCard, ModelCardData, PyTorchModelHubMixin, snapshot_download
from huggingface_hub.constants import PYTORCH_WEIGHTS_NAME, SAFETENSORS_SINGLE_FILE

WEIGHTS_FILE = SAFETENSORS_SINGLE_FILE
PICKLES = {Path(PYTORCH_WEIGHTS_NAME).suffix, ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}
"""Suffixes of files that run whatever code was put into them when they are read."""

DOWNLOAD_OPTIONS = ("revision", "cache_dir", "force_download", "local_files_only", "token")


class StrictWeights(PyTorchModelHubMixin):
    """`PyTorchModelHubMixin` without pickles, and with an error where weights are missing or left over.

    It also reads one model of a folder or a repository of several, and its cards know what its code knows.
    """

    def card_facts(self) -> dict[str, Any]:
        """What the template of the card may name: titles, sizes, and modules whose constants it quotes."""
        return {}

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | Path, *, subfolder: str = "", **options: Any
    ) -> Self:
        """The model in a folder, or in "user/name" on the Hub at `revision`, or in a `subfolder` of either.

        The other options are those of huggingface_hub's mixin.
        """
        place = pretrained_model_name_or_path
        if subfolder:
            if not Path(place).is_dir():
                download = {name: options[name] for name in DOWNLOAD_OPTIONS if name in options}
                patterns = [f"{subfolder}/*.json", f"{subfolder}/{WEIGHTS_FILE}"]
                place = snapshot_download(str(place), allow_patterns=patterns, **download)
            place = Path(place) / subfolder
        with redirect_stdout(StringIO()):  # the mixin prints a line for every local folder
            return super().from_pretrained(place, **options)

    def push_to_hub(
        self, repo_id: str, *, model_card_kwargs: dict[str, Any] | None = None, **options: Any
    ) -> str:
        """Upload this one model, with a card that says how to take it back from there.

        The options are those of huggingface_hub's mixin: `private`, `branch`, `create_pr` and so on.
        """
        facts = {"repo": repo_id, "revision": options.get("branch")} | (model_card_kwargs or {})
        return super().push_to_hub(repo_id, model_card_kwargs=facts, **options)

    def generate_model_card(self, *, card_data: Mapping[str, Any] | None = None, **facts: Any) -> ModelCard:
        """The card of this model; `card_data` adds to the metadata at its head, `facts` to its text."""
        info = self._hub_mixin_info
        data = ModelCardData(**(info.model_card_data.to_dict() | dict(card_data or {})))
        known = {"architecture": type(self).__name__, **self.card_facts(), **facts}
        return ModelCard.from_template(data, template_str=info.model_card_template, **known)

    @classmethod
    def _load_as_safetensor(cls, model: Any, model_file: str, map_location: str, strict: bool) -> Any:
        return super()._load_as_safetensor(model, model_file, map_location, strict=True)

    @classmethod
    def _load_as_pickle(cls, model: Any, model_file: str, map_location: str, strict: bool) -> Any:
        raise ValueError("these weights are a pickle, which can run code: save them as safetensors")
