"""The HTTP API's /generate: notes as text in, a tune as text and MIDI out."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.processing_utils import save_bytes_to_cache

from genre_models.melody import MelodyTransformer, score
from genre_models.melody.notes import write
from genre_models.melody.tunes import MOST_SEED, Composition, Heard, Wish
from genre_models.ui.widgets import refusal

CONCURRENT_TUNES = 4
"""The page's tunes and these together; the one thread that writes them does so by turns."""


class GenerateEndpoint:
    """The endpoint, which takes its limits from the page's widgets, `asked` before the seed, `frame` after.

    A seed that may be left out needs a field of its own.
    """

    def __init__(
        self, model: MelodyTransformer, heard: Heard, asked: Sequence[Component], frame: Sequence[Component]
    ) -> None:
        self.model, self.heard = model, heard
        seed = gr.Number(-1, label="Seed", precision=0, minimum=-1, maximum=MOST_SEED, visible=False)
        self.file = gr.File(visible=False, label="MIDI file")
        gr.Button(visible=False).click(
            self.generate,
            [*asked, seed, *frame],
            [gr.JSON(visible=False, label="Tune"), self.file],
            api_name="generate",
            concurrency_limit=CONCURRENT_TUNES,
            concurrency_id="melody",
        )

    def generate(
        self,
        notes: str | None,
        length: int,
        temperature: float,
        top_k: int,
        top_p: float,
        seed: int | None,
        key: str,
        metre: str,
    ) -> tuple[dict[str, Any], str]:
        """Carry a few notes on: text in, the whole tune as text and as a MIDI file out.

        Args:
            notes: such as "A5 E5 C#5:1/4 Bb3 R:1/8": letter, octave (C4 is middle C) and, if it is not an
                eighth, a colon and the length in whole notes; R is a rest.
            length: how many notes the model adds, 8 to 512.
            temperature: 0 takes the likeliest note, 1 draws as the model expects, more is wilder, up to 2.
            top_k: draw from the k likeliest only; 0 from all.
            top_p: draw from the likeliest that together reach this probability; 1 from all.
            seed: of the random numbers: the same seed gives the same tune; -1 or null a random one.
            key: such as "D major" or "A minor"; "" leaves it to the notes.
            metre: such as "4/4" or "6/8".

        Returns:
            {"notes": the whole tune as text, the given notes first, every length stated, "seed": the one that
            was used, "tokens_per_second", "warnings": sentences}, and the MIDI file.
        """
        composition = _composition(
            Wish(notes or "", int(length), temperature, int(top_k), top_p, seed, key, metre)
        )
        for _ in composition.batches(self.model):
            pass
        answer = {
            "notes": write(composition.notes),
            "seed": composition.seed,
            "tokens_per_second": round(composition.tokens_per_second, 1),
            "warnings": self.heard.warnings(list(composition.request.notes)),
        }
        content, name = score.midi(composition.tune), f"tune-{composition.seed}.mid"
        return answer, save_bytes_to_cache(content, name, cache_dir=self.file.GRADIO_CACHE)


def _composition(wish: Wish) -> Composition:
    try:
        return Composition(wish.request())
    except ValueError as error:
        raise refusal(str(error)) from error
