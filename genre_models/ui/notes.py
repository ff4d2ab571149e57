"""What a student should know of each network, with the sizes of the one that is running."""

from collections.abc import Mapping
from typing import Any

from genre_models.classifiers import ARCHITECTURES, GenreClassifier
from genre_models.inside.sizes import sizes
from genre_models.seq2seq import EncoderDecoder
from genre_models.ui.html import render
from genre_models.ui.models import in_conditions

TITLES = {name: architecture.title for name, architecture in ARCHITECTURES.items()} | {
    "melody": "Melody model"
}


def explanation(
    name: str, model: GenreClassifier | EncoderDecoder, recipe: Mapping[str, Any] | None = None
) -> str:
    """The note on one network as HTML: "mlp", "cnn", "lstm", "transformer", "musicnn" or "melody".

    `model` is the running one; every size in the text is read off it. `recipe` is what its weights were
    trained with (`metrics_check.read_recipe`), where that is known. Raises `KeyError` for another name.
    """
    recipe = recipe or {}
    return render(
        f"notes_{name}",
        name=name,
        title=TITLES[name],
        sizes=sizes(model),
        recipe=recipe,
        conditions=in_conditions(recipe),
        distant=in_conditions(recipe.get("distant") or {}),
    )
