"""How every model is loaded: all of its weights, from safetensors, never from a pickle."""

from typing import Any

from huggingface_hub import PyTorchModelHubMixin


class StrictWeights(PyTorchModelHubMixin):
    """`PyTorchModelHubMixin` without pickles, and with an error where weights are missing or left over."""

    @classmethod
    def _load_as_safetensor(cls, model: Any, model_file: str, map_location: str, strict: bool) -> Any:
        return super()._load_as_safetensor(model, model_file, map_location, strict=True)

    @classmethod
    def _load_as_pickle(cls, model: Any, model_file: str, map_location: str, strict: bool) -> Any:
        raise ValueError("these weights are a pickle, which can run code: save them as safetensors")
