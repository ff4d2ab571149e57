"""The Classify tab: a clip in, every model's answer side by side; and the HTTP API's /classify."""

import re
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from genre_models import share
from genre_models.audio import AudioError
from genre_models.classify import Report, classify
from genre_models.hub import Ensemble
from genre_models.metrics import Measured
from genre_models.ui import report as view
from genre_models.ui.examples import find_example, load_examples
from genre_models.ui.html import panel, render
from genre_models.ui.models import describe
from genre_models.ui.session import Entry, Session
from genre_models.ui.several import SeveralPanel
from genre_models.ui.teach import TeachPanel
from genre_models.ui.trust import trust
from genre_models.ui.widgets import TRIGGER_SELECT, plain_html, refusal

CONCURRENT_ANSWERS = 1
"""Of the page, so that one visitor's answers come in the order they were asked for; each uses all cores.

Programs have a line of their own, and so have tables of many files; `classify` lets all three take turns.
"""
EXAMPLE_ANSWERS = 64  # kept once somebody asked: every visitor tries the same clips
NO_MODEL = ("No model is chosen", "Tick at least one under “Models that answer”.")
NO_CLIP = ("There is no clip yet", "Record one, upload one or pick an example.")
WAITING = ("The clip is in", "Trim it with the scissors if you like, then press “Ask the models”.")
UNREADABLE = "This clip cannot be read"
BROKEN_LINK = "This link cannot be read"
UNNAMED = "audio.wav"  # what Gradio calls a recording and a trimmed clip
LOGO = [(10, 8, "mlp"), (29, 16, "cnn"), (48, 11, "lstm"), (67, 6, "transformer"), (86, 13, "musicnn")]

LIMITS: dict[str, Any] = {
    "concurrency_limit": CONCURRENT_ANSWERS,
    "concurrency_id": "classify",
    "api_visibility": "private",
}
"""Of every event in which the models answer."""

Update = Any
"""What a handler sends to one component: a value or a Gradio update."""


class ClassifyTab:
    """The widgets of the tab and what happens when they are used."""

    def __init__(self, page: gr.Blocks, ensemble: Ensemble, quality: Measured) -> None:
        self.page = page
        self.ensemble = ensemble
        self.quality = quality
        self.cards = describe(ensemble.models, quality.accuracies)
        self.examples = load_examples()
        self._ask_about_example = lru_cache(EXAMPLE_ANSWERS)(partial(_answer, ensemble))
        self._build()
        self._connect()

    def _build(self) -> None:
        self.session = gr.State(Session())
        with gr.Row(elem_id="classify"):
            with gr.Column(scale=5, min_width=320, elem_id="ask-column"):
                self._build_question()
            with gr.Column(scale=7, min_width=320, elem_id="answer-column"):
                self.verdict = plain_html(self._empty(), elem_id="verdict")
                self.taught = plain_html(elem_id="taught")
                self.timeline = plain_html(elem_id="timeline")
        self.side_by_side = plain_html(elem_id="side-by-side")
        if doubts := trust(self.quality):
            plain_html(doubts, elem_id="trust")
        with gr.Row(elem_id="take-away"):
            self.json = gr.DownloadButton("Report as JSON", visible=False, elem_id="report-json", size="sm")
            self.csv = gr.DownloadButton("Report as CSV", visible=False, elem_id="report-csv", size="sm")
            self.link = plain_html(elem_id="share")
        if self.ensemble.ear is not None:
            TeachPanel(self.ensemble.ear, self.verdict, self.session, self.taught)
        SeveralPanel(self.ensemble, self.chosen, LIMITS | {"concurrency_id": "several"})
        self.history = plain_html(elem_id="history", js_on_load=TRIGGER_SELECT)

    def _build_question(self) -> None:
        self.clip = gr.Audio(
            sources=["microphone", "upload"],
            type="filepath",
            format=None,
            label="Your clip",
            buttons=["download"],
            waveform_options=gr.WaveformOptions(
                waveform_color="#a09b8e", waveform_progress_color="#5b5f68", trim_region_color="#a09b8e"
            ),
            elem_id="clip",
        )
        plain_html(render("microphone"), elem_id="microphone")
        with gr.Row(elem_id="ask-row"):
            self.ask = gr.Button("Ask the models", variant="primary", elem_id="ask", scale=1, min_width=150)
            self.at_once = gr.Checkbox(
                True,
                label="Answer as soon as a clip is in",
                container=False,
                elem_id="at-once",
                scale=2,
                min_width=150,
            )
        self.chosen = gr.CheckboxGroup(
            [(card.title, name) for name, card in self.cards.items()],
            value=list(self.cards),
            label="Models that answer",
            elem_id="chosen",
        )
        plain_html(render("looks_at", cards=self.cards.values()), elem_id="looks-at")
        rendered = render("examples", examples=self.examples) if self.examples else ""
        self.picker = plain_html(rendered, elem_id="examples", js_on_load=TRIGGER_SELECT)

    @property
    def outputs(self) -> list[Any]:
        """What an answer changes."""
        answer = [self.verdict, self.timeline, self.side_by_side, self.json, self.csv, self.link]
        return [*answer, self.history, self.session]

    def _connect(self) -> None:
        outputs = self.outputs
        asking: dict[str, Any] = {
            "outputs": outputs,
            "show_progress": "minimal",
            "show_progress_on": self.verdict,
            **LIMITS,
        }
        light: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        given = [self.clip, self.chosen, self.at_once, self.session]
        self.clip.change(self.on_clip, given, trigger_mode="always_last", **asking)
        self.at_once.change(self.on_clip, given, trigger_mode="always_last", **asking)
        self.chosen.change(self.on_choice, given, trigger_mode="always_last", **asking)
        self.ask.click(self.answer, [self.clip, self.chosen, self.session], **asking)
        self.picker.select(self.pick, outputs=self.clip, **light)
        self.history.select(self.show_again, self.session, [*outputs, self.clip], **light)
        self.page.load(self.show_linked, self.session, outputs, **light)
        gr.Button(visible=False).click(
            self.classify,
            [self.clip, self.chosen],
            gr.JSON(visible=False, label="Report"),
            api_name="classify",
            concurrency_limit=CONCURRENT_ANSWERS,
            concurrency_id="classify-api",
        )

    # What the visitor does ------------------------------------------------------------------------------

    def on_clip(self, clip: str | None, chosen: list[str], at_once: bool, session: Session) -> list[Update]:
        """A clip came in, was trimmed or was taken away."""
        if clip is None:
            return self._page(session.showing(None), self._empty())
        if session.shows(clip):
            return self._nothing_new()
        if not at_once:
            return self._page(session.showing(None), panel(*WAITING))
        return self.answer(clip, chosen, session)

    def on_choice(self, clip: str | None, chosen: list[str], at_once: bool, session: Session) -> list[Update]:
        """Other models were chosen."""
        if clip is None and session.shown is not None:  # a shared report, whose clip did not travel
            return self._nothing_new()
        if clip is None and chosen:
            return self._page(session.showing(None), self._empty())
        if chosen and not at_once:
            return self._page(session.showing(None), panel(*WAITING))
        return self.answer(clip, chosen, session)

    def answer(self, clip: str | None, chosen: list[str], session: Session) -> list[Update]:
        """Ask the chosen models; what goes wrong is said on the page, and the history stays."""
        if not chosen or clip is None:
            return self._page(session.showing(None), panel(*(NO_CLIP if chosen else NO_MODEL)))
        try:
            report = self._ask(clip, chosen)
        except AudioError as error:
            return self._page(session.showing(None), panel(UNREADABLE, str(error), "error"))
        return self._show(session.with_answer(Entry(clip, self._name(clip, session), report)))

    def pick(self, event: gr.EventData) -> str:
        """An example was chosen: put it into the player."""
        return str(self.examples[event.index].path)

    def show_again(self, session: Session, event: gr.EventData) -> list[Update]:
        """An earlier answer was chosen: show it, and put its clip back into the player."""
        entry = session.entries[event.index]
        clip = entry.path if Path(entry.path).is_file() else gr.skip()
        return [*self._show(session.showing(event.index)), clip]

    def show_linked(self, session: Session, request: gr.Request) -> list[Update]:
        """The page was opened: if its address carries a report, show that."""
        token = request.query_params.get("report")
        if not token:
            return self._nothing_new()
        try:
            report = share.from_token(token, self.ensemble)
        except share.LinkError as error:
            return self._page(session, panel(BROKEN_LINK, str(error), "error"))
        return self._show(session.with_answer(Entry("", "A shared report", report)))

    def classify(self, audio: str | None, models: list[str]) -> dict[str, Any]:
        """Name the genre of a music recording, as up to five neural networks hear it, and how sure it is.

        The genres are blues, classical, country, disco, hiphop, jazz, metal, pop, reggae and rock. Speech,
        noise and silence get no genre but the reason why not.

        Args:
            audio: 1 second to 10 minutes as wav, flac, ogg, opus, mp3, au, m4a, aac or webm, up to 200 MB.
            models: The networks that answer, one or more by name; by default all of them.

        Returns:
            an object with "verdict": its "sentence" sums the answer up, "genre" is the likeliest or null;
            "sure" is true or false, "candidates" are the genres it may be, likeliest first;
            "confidence" is the probability of "genre", "agreement" the share of the models that name it.
            "probabilities": of each genre, 0 to 1, all models together; "genres": the ten in order.
            "duration_s": seconds; "segments": how many of 6 s were heard; "segment_starts_s": seconds.
            "combined": ten probabilities for each segment, in the order of "genres"; "counted": the models
            that "probabilities" and "combined" are made of.
            "models": for each its "name", "genre", "probabilities", "milliseconds" and "timeline" (ten
            probabilities for each segment), and for musicnn "tags", its 50 words with a probability each.
            "sound": "kind" (music, silence or what else), "music_probability" (0 to 1 or null), "evidence".
            "warnings": sentences on the recording; "preparation_milliseconds": before the models.
        """
        if audio is None or not models:
            raise refusal("Give an audio file." if models else "Name at least one model.")
        try:
            return self._ask(audio, models).to_dict()
        except AudioError as error:
            raise refusal(str(error)) from error

    # What the page shows --------------------------------------------------------------------------------

    def _ask(self, path: str, chosen: list[str]) -> Report:
        example = find_example(Path(path), self.examples)
        if example is None:
            return classify(path, self.ensemble, chosen)
        return self._ask_about_example(example.path, tuple(chosen))

    def _name(self, clip: str, session: Session) -> str:
        place = session.find(clip)
        if place is not None:
            return session.entries[place].name
        name = Path(clip).name
        if name == UNNAMED:
            return f"Clip {1 + sum(Path(entry.path).name == UNNAMED for entry in session.entries)}"
        titles = {example.path.name: example.title for example in self.examples}
        return titles.get(name, name)

    def _show(self, session: Session) -> list[Update]:
        entry = session.entry
        if entry is None:
            return self._page(session, self._empty())
        weights = self.ensemble.combination.of(entry.report.counted)
        return self._page(
            session,
            view.verdict(entry.report, entry.name, self.quality, weights),
            view.timeline(entry.report) if entry.report.verdict.genre else "",
            view.cards(entry.report, self.cards) if weights else "",
            entry,
        )

    def _page(
        self, session: Session, verdict: str, timeline: str = "", cards: str = "", entry: Entry | None = None
    ) -> list[Update]:
        history = render("history", entries=session.entries, shown=session.shown)
        return [verdict, timeline, cards, *self._files(entry), history, session]

    def _files(self, entry: Entry | None) -> list[Update]:
        """The two downloads and the link of an answer."""
        if entry is None:
            return [gr.DownloadButton(visible=False), gr.DownloadButton(visible=False), ""]
        stem = re.sub(r"\.\w{2,4}$", "", entry.name)
        files = [
            save_bytes_to_cache(content, f"{stem} genre report{suffix}", cache_dir=self.json.GRADIO_CACHE)
            for content, suffix in (
                (share.to_json(entry.report), ".json"),
                (share.to_csv(entry.report), ".csv"),
            )
        ]
        token = share.to_token(entry.report) if entry.report.models else ""
        return [
            *(gr.DownloadButton(value=file, visible=True) for file in files),
            render("share", token=token),
        ]

    def _empty(self) -> str:
        return render(
            "empty",
            bars=LOGO,
            heading="What do the models hear?",
            sentence="Their answer, how sure they are and where they disagree will stand here.",
        )

    def _nothing_new(self) -> list[Update]:
        return [gr.skip()] * len(self.outputs)


def _answer(ensemble: Ensemble, path: Path, chosen: tuple[str, ...]) -> Report:
    return classify(path, ensemble, chosen)
