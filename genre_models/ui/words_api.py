"""The HTTP API's /translate and /continue_text."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from genre_models.sampling import MOST_SEED, RANDOM, Sampling, used_seed
from genre_models.ui.widgets import refusal
from genre_models.words import (
    Continuation,
    TextTransformer,
    TranslationTransformer,
    continue_text,
    translate,
)
from genre_models.worker import in_the_back

CONCURRENT_WORDS = 8
"""The page's and these together; the one thread that works on them does so by turns."""
PUBLIC: dict[str, Any] = {"concurrency_limit": CONCURRENT_WORDS, "concurrency_id": "words"}


class TranslateEndpoint:
    """The endpoint, which takes its limits from the page's `text` field."""

    def __init__(self, model: TranslationTransformer, text: Component) -> None:
        self.model = model
        gr.Button(visible=False).click(
            self.translate, text, gr.JSON(visible=False, label="Translation"), api_name="translate", **PUBLIC
        )

    def translate(self, text: str | None) -> dict[str, Any]:
        """Translate a phrase from English: text in, the best few translations out.

        A small Transformer does it, which learned from the messages of programs and knows little else.

        Args:
            text: a phrase in English, at most 64 word pieces, such as "Please enter a valid date.".

        Returns:
            an object with "translation": the best, "language": its code, "sure": whether nothing speaks
            against it, false where its pieces are unlikely or half of the words are new to the model,
            "candidates": the best, sorted by a score that makes up for their length, each with "text" and
            "probability", the model's own of that very text, and "warnings": sentences.
        """
        try:
            made = in_the_back(lambda: translate(self.model, text or ""))
        except ValueError as error:
            raise refusal(str(error)) from error
        return {
            "translation": made.best.text,
            "language": self.model.language,
            "sure": made.doubt is None,
            "candidates": [{"text": one.text, "probability": one.probability} for one in made.candidates],
            "warnings": list(made.warnings),
        }


class ContinueEndpoint:
    """The endpoint, which takes its limits from the page's widgets, `asked`, and a seed of its own."""

    def __init__(self, model: TextTransformer, asked: Sequence[Component]) -> None:
        self.model = model
        seed = gr.Number(RANDOM, label="Seed", precision=0, minimum=RANDOM, maximum=MOST_SEED, visible=False)
        gr.Button(visible=False).click(
            self.continue_text,
            [*asked, seed],
            gr.JSON(visible=False, label="Text"),
            api_name="continue_text",
            **PUBLIC,
        )

    def continue_text(
        self, text: str | None, length: int, temperature: float, top_p: float, seed: int | None
    ) -> dict[str, Any]:
        """Write on where an English text ends: text in, the text that follows it out.

        A small Transformer writes it, piece by piece; it learned from old books and knows little else.

        Args:
            text: the beginning in English; the model reads its last 64 word pieces.
            length: how many word pieces the model adds, 8 to 64.
            temperature: 0 takes the likeliest piece, 1 draws as the model expects, up to 2 is wilder.
            top_p: draw from the likeliest that together have this probability, 0.05 to 1; 1 from all.
            seed: of the random numbers, 0 to 9007199254740991: the same gives the same text; -1 a random one.

        Returns:
            an object with "continuation": what follows the text, which may be cut off within a word,
            "seed": the one that was used, and "warnings": sentences.
        """
        try:
            written = begin(self.model, text or "", int(length), temperature, top_p, seed)
        except ValueError as error:
            raise refusal(str(error)) from error
        in_the_back(lambda: list(written))
        return {
            "continuation": written.text,
            "seed": written.sampling.seed,
            "warnings": list(written.warnings),
        }


def begin(
    model: TextTransformer, text: str, length: int, temperature: float, top_p: float, seed: int | None
) -> Continuation:
    """What is to be written, with a random seed where none is given. Raises ValueError with a sentence."""
    return continue_text(model, text, length, Sampling(temperature, top_p=top_p, seed=used_seed(seed)))
