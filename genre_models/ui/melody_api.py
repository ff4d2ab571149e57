"""The HTTP API's /generate: notes as text in, a tune as text and MIDI out."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.processing_utils import save_bytes_to_cache

from genre_models.melody import MelodyTransformer, score
from genre_models.melody.tunes import Composition, Repertoire, Wish
from genre_models.sampling import MOST_SEED, RANDOM
from genre_models.ui.widgets import refusal

CONCURRENT_TUNES = 4
"""The page's tunes and these together; the one thread that writes them does so by turns."""


class GenerateEndpoint:
    """The endpoint, which takes its limits from the page's widgets, `asked` before the seed, `frame` after.

    A seed that may be left out needs a field of its own.
    """

    def __init__(
        self,
        model: MelodyTransformer,
        repertoire: Repertoire,
        asked: Sequence[Component],
        frame: Sequence[Component],
    ) -> None:
        self.model, self.repertoire = model, repertoire
        seed = gr.Number(RANDOM, label="Seed", precision=0, minimum=RANDOM, maximum=MOST_SEED, visible=False)
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
        """Carry a melody on: a few notes as text in, the whole tune as text and as a MIDI file out.

        A Transformer writes it, one voice, note by note. Each note is a letter, # or b where it is sharp or
        flat, and an octave (C4 is middle C), then a colon and the length in whole notes if it is no eighth;
        R is a rest.

        Args:
            notes: The beginning, 1 to 300 of A0 to C8, such as "A5 E5 C#5:1/4 Bb3 R:1/8".
            length: How many notes the model adds, 8 to 512.
            temperature: 0 takes the likeliest note, 1 draws as the model expects, up to 2 is wilder.
            top_k: Draw from the k likeliest alone, 1 to 100; 0 from all.
            top_p: Draw from the likeliest that together have this probability, 0.05 to 1; 1 from all.
            seed: Of the random numbers, 0 to 9007199254740991: the same gives the same tune; -1 a random one.
            key: Such as "D major" or "A minor"; "" leaves it to the notes.
            metre: Such as "4/4" or "6/8".

        Returns:
            first an object with "notes": the whole tune as text, the given notes first, all with lengths,
            "seed": the one that was used, "tokens_per_second" and "warnings": sentences; then a MIDI file.
        """
        composition = _composition(
            Wish(notes or "", int(length), temperature, int(top_k), top_p, seed, key, metre)
        )
        for _ in composition.batches(self.model):
            pass
        content, name = score.midi(composition.tune), f"tune-{composition.seed}.mid"
        file = save_bytes_to_cache(content, name, cache_dir=self.file.GRADIO_CACHE)
        return composition.answer(self.repertoire), file


def _composition(wish: Wish) -> Composition:
    try:
        return Composition(wish.request())
    except ValueError as error:
        raise refusal(str(error)) from error
