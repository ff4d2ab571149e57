"""A tune that is written: to hear, to read and to take away."""

from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from genre_models.melody import engraving, score, sound
from genre_models.melody.flac import flac
from genre_models.melody.notes import write
from genre_models.melody.tunes import Composition
from genre_models.ui.html import render
from genre_models.ui.widgets import plain_html, refusal

Updates = dict[Any, Any]
CLICK_XML = "() => setTimeout(() => document.querySelector('#tune-xml').click(), 300)"
NO_TUNE = "There is no tune yet: press “Carry it on” first."


class ResultPanel:
    """The player, the files, the text and the sheet music of the tune in `made`."""

    def __init__(self, made: gr.State) -> None:
        self.made = made
        self.player = gr.Audio(
            label="The tune",
            type="filepath",
            interactive=False,
            buttons=["download"],
            waveform_options=gr.WaveformOptions(waveform_color="#a09b8e", waveform_progress_color="#5b5f68"),
            elem_id="melody-player",
        )
        with gr.Row(elem_id="melody-files", visible=False) as self.files:
            self.midi = gr.DownloadButton("MIDI", elem_id="tune-midi", size="sm", min_width=90)
            self.abc = gr.DownloadButton("ABC", elem_id="tune-abc", size="sm", min_width=90)
            self.ask_xml = gr.Button("MusicXML", elem_id="ask-xml", size="sm", min_width=90)
            self.xml = gr.DownloadButton("MusicXML file", elem_id="tune-xml")
        self.text = gr.Textbox(
            label="The tune as text",
            lines=2,
            max_lines=5,
            interactive=False,
            visible=False,
            buttons=["copy"],
            elem_id="tune-text",
        )
        self.ask_xml.click(
            self.write_xml, made, self.xml, show_progress="minimal", api_visibility="private"
        ).success(None, js=CLICK_XML, api_visibility="private")

    def build_sheet(self) -> None:
        """The wide part, which stands below the rest."""
        self.sheet = plain_html(elem_id="melody-sheet")

    @property
    def outputs(self) -> list[Any]:
        """What `show` changes."""
        return [self.player, self.files, self.midi, self.abc, self.sheet, self.text]

    def show(self, composition: Composition, tempo: int) -> Updates:
        """All but the MusicXML file, which waits until somebody asks for it."""
        tune = composition.tune
        sheet = render(
            "melody_sheet",
            tune=tune,
            tempo=tempo,
            guessed=composition.request.key is None,
            svg=engraving.svg(tune, n_seed=composition.n_seed),
        )
        return {
            self.player: self._file(flac(*sound.audio(tune, tempo)), composition, ".flac"),
            self.files: gr.Row(visible=True),
            self.midi: self._file(score.midi(tune, tempo), composition, ".mid"),
            self.abc: self._file(score.abc(tune).encode(), composition, ".abc"),
            self.sheet: sheet,
            self.text: gr.Textbox(value=write(tune.notes), visible=True),
        }

    def write_xml(self, composition: Composition | None) -> str:
        """The MusicXML file of the tune."""
        if composition is None:
            raise refusal(NO_TUNE)
        from genre_models.melody import musicxml  # noqa: PLC0415 - loads music21: seconds, 100 MB

        return self._file(musicxml.write(composition.tune).encode(), composition, ".musicxml")

    def _file(self, content: bytes, composition: Composition, suffix: str) -> str:
        name = f"tune-{composition.seed}{suffix}"
        return save_bytes_to_cache(content, name, cache_dir=self.midi.GRADIO_CACHE)
