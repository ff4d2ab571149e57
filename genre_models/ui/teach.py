"""Teach it: the part of the Classify tab where a visitor names labels by example."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from genre_models import teach, teach_file
from genre_models.audio import AudioError
from genre_models.metrics import evaluation
from genre_models.musicnn import MusiCNN
from genre_models.teach import LeftOut, TaughtClip, TaughtLabels, TeachError
from genre_models.ui.html import render
from genre_models.ui.lesson import Lesson, Said, advice, count
from genre_models.ui.session import Session
from genre_models.ui.widgets import plain_html

KEPT_EMBEDDINGS = 256
FILE_NAME = "taught labels.json"
NO_CLIP = "There is no clip above yet: record one, upload one or pick an example."
NOT_HERE = "The clip above did not travel with its link, so it cannot be taught."
TRIGGER_ACTION = """
let acted = false;
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (!button) return;
  acted = true;
  const { action, label, place } = button.dataset;
  trigger("select", { action, label, place });
});
watch("value", () => {
  if (acted) element.querySelector("[tabindex]")?.focus();
  acted = false;
});
"""
STATUS = TRIGGER_ACTION + 'element.setAttribute("role", "status");'

Update = Any
"""What a handler sends to one component: a value or a Gradio update."""


class TeachPanel:
    """The widgets for teaching, and the card that holds the clip on show against the labels.

    `verdict` and `session` are the Classify tab's; `card` is where the answer goes.
    """

    def __init__(self, ear: MusiCNN, verdict: gr.HTML, session: gr.State, card: gr.HTML) -> None:
        self.ear_name = teach.fingerprint(ear)
        self._embed = lru_cache(KEPT_EMBEDDINGS)(partial(teach.embed, ear=ear))
        self.session = session
        self.card = card
        self._build()
        self._connect(verdict)

    def _build(self) -> None:
        self.lesson = gr.State(Lesson())
        with gr.Accordion("Teach it labels of your own", open=False, elem_id="teach"):
            plain_html(render("teach_how", accuracy=self._accuracy()), elem_id="teach-how")
            with gr.Row(elem_id="teach-give"):
                with gr.Column(min_width=280):
                    self.label = gr.Textbox(
                        label="Label",
                        placeholder="for instance: our band",
                        max_length=teach.MAX_LABEL_LENGTH,
                        elem_id="teach-label",
                    )
                    with gr.Row(elem_id="teach-clips"):
                        self.upload = gr.UploadButton(
                            "Upload clips", file_count="multiple", size="md", elem_id="teach-upload"
                        )
                        self.shown = gr.Button("Add the clip above", size="md", elem_id="teach-shown")
                with gr.Column(min_width=280):
                    self._build_recorder()
            self.said = plain_html(elem_id="teach-said", js_on_load=STATUS)
            self.list = plain_html(elem_id="teach-labels", js_on_load=TRIGGER_ACTION)
            with gr.Row(elem_id="teach-file"):
                self.download = gr.DownloadButton(
                    "Download the labels", visible=False, elem_id="teach-download", size="sm"
                )
                self.load = gr.UploadButton("Load labels", elem_id="teach-load", size="sm")
                self.forget = gr.Button("Forget all", visible=False, elem_id="teach-forget", size="sm")

    def _accuracy(self) -> float | None:
        """How many clips were named rightly in the measurement; None where another ear was measured."""
        measured = evaluation(teach.TEACHING_FILE)
        return measured["different_genres"]["accuracy"] if measured.get("ear") == self.ear_name else None

    def _build_recorder(self) -> None:
        self.microphone = gr.Audio(
            sources=["microphone"],
            type="filepath",
            format=None,
            label="Or record a clip for it",
            buttons=[],
            elem_id="teach-record",
        )

    def _connect(self, verdict: gr.HTML) -> None:
        outputs = [self.said, self.list, self.download, self.forget, self.label, self.lesson]
        self.outputs = outputs
        hearing: dict[str, Any] = {
            "show_progress": "minimal",
            "show_progress_on": self.said,
            "concurrency_id": "teach",
            "concurrency_limit": 1,  # each change starts from the labels that the one before it left
            "api_visibility": "private",
        }
        known = [self.session, self.lesson]
        uploaded = [self.label, self.upload, self.lesson]
        recorded = [self.label, self.microphone, self.lesson]
        taught = [
            self.upload.upload(self.on_upload, uploaded, outputs, **hearing),
            self.microphone.change(self.on_recording, recorded, [*outputs, self.microphone], **hearing),
            self.shown.click(self.on_shown, [self.label, *known], outputs, **hearing),
            self.label.submit(self.on_label, [self.label, self.lesson], outputs, **hearing),
            self.list.select(self.on_action, self.lesson, outputs, **hearing),
            self.said.select(self.on_action, self.lesson, outputs, **hearing),
            self.load.upload(self.on_load, [self.load, self.lesson], outputs, **hearing),
            self.forget.click(self.on_forget, self.lesson, outputs, **hearing),
        ]
        looking = hearing | {"show_progress": "hidden", "concurrency_id": "taught"}
        followed: list[Callable[..., Any]] = [verdict.change, *(change.then for change in taught)]
        for event in followed:
            event(self.answer, known, self.card, **looking)  # one at a time: the last one knows everything

    # What the visitor does ------------------------------------------------------------------------------

    def on_upload(self, label: str, paths: list[str] | None, lesson: Lesson) -> list[Update]:
        """Sound files came in for a label."""
        return self._hear(label, [(Path(path).name, path) for path in paths or ()], lesson)

    def on_recording(self, label: str, path: str | None, lesson: Lesson) -> list[Update]:
        """A recording was made, or the recorder was emptied; it is emptied once the clip was taken."""
        if path is None:
            return [gr.skip()] * (len(self.outputs) + 1)
        lesson = replace(lesson, recordings=lesson.recordings + 1)
        return [*self._hear(label, [(f"Recording {lesson.recordings}", path)], lesson), None]

    def on_shown(self, label: str, session: Session, lesson: Lesson) -> list[Update]:
        """The clip whose answer is on show is to be learned."""
        entry = session.entry
        if entry is None or not Path(entry.path).is_file():
            return self._page(lesson, Said(problem=NOT_HERE if entry else NO_CLIP))
        return self._hear(label, [(entry.name, entry.path)], lesson)

    def on_label(self, label: str, lesson: Lesson) -> list[Update]:
        """Return was pressed in the label: clips that wait for one get it."""
        lesson, said = lesson.learning(label, ())
        return self._page(lesson, said)

    def on_action(self, lesson: Lesson, event: gr.EventData) -> list[Update]:
        """A button beside a label or a clip was pressed."""
        if event.action == "undo":
            return self._page(lesson.undone(), Said())
        taught = lesson.taught
        label = list(taught.clips)[int(event.label)]
        if event.action == "more":
            return self._page(lesson, Said(f"The next clips go to “{label}”."), label)
        if event.action == "drop":
            kept, removed = taught.without_label(label), f"“{label}”"
        else:
            place = int(event.place)
            kept = taught.without_clip(label, place)
            removed = f"{taught.clips[label][place].name}, under “{label}”,"
        return self._page(lesson.keeping(kept), Said(f"{removed} was removed."))

    def on_load(self, path: str, lesson: Lesson) -> list[Update]:
        """A file of labels came in: its clips join those that are there."""
        try:
            if Path(path).stat().st_size > teach_file.MAX_FILE_BYTES:
                raise TeachError(teach_file.FOREIGN)
            loaded = teach_file.from_json(Path(path).read_bytes(), self.ear_name)
            taught = lesson.taught.joined_with(loaded)
        except TeachError as error:
            return self._page(lesson, Said(problem=str(error)))
        sentence = f"{count(len(loaded.clips), 'label')} with {count(loaded.n_clips, 'clip')} loaded."
        return self._page(replace(lesson, taught=taught, before=None), Said(sentence))

    def on_forget(self, lesson: Lesson) -> list[Update]:
        """All labels are to go."""
        lesson = replace(lesson.keeping(TaughtLabels()), waiting=())
        return self._page(lesson, Said("All labels are forgotten."))

    def answer(self, session: Session, lesson: Lesson) -> str:
        """The card on the clip on show; empty where there are no labels to tell apart, or no clip."""
        entry = session.entry
        if entry is None or not lesson.taught.is_ready or not Path(entry.path).is_file():
            return ""
        try:
            answer = lesson.taught.fit().answer(self._embed(entry.path))
        except AudioError:
            return ""
        ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])
        return render("taught", answer=answer, ranked=ranked, left_out=lesson.taught.leave_one_out())

    # What comes of it -----------------------------------------------------------------------------------

    def _hear(self, label: str, named: Sequence[tuple[str, str]], lesson: Lesson) -> list[Update]:
        """Listen to (name, path) and learn what can be heard."""
        clips, problems = [], []
        for name, path in named[: teach.MAX_CLIPS]:
            try:
                clips.append(TaughtClip(teach.clean_name(name), self._embed(path)))
            except AudioError as error:
                problems.append(f"{name} was left out. {error}" if len(named) > 1 else str(error))
        if len(named) > teach.MAX_CLIPS:
            problems.append(
                f"Only the first {teach.MAX_CLIPS} files were listened to: a label has room for no more."
            )
        lesson, said = lesson.learning(label, clips) if clips else (lesson, Said())
        problem = " ".join([*problems, said.problem]).strip()
        return self._page(lesson, replace(said, problem=problem))

    def _page(self, lesson: Lesson, said: Said, label: Update | None = None) -> list[Update]:
        """Everything that shows the lesson, as it is now."""
        taught = lesson.taught
        left_out = taught.leave_one_out() if taught.clips else LeftOut({})
        file = None
        if taught.clips:
            content = teach_file.to_json(taught, self.ear_name)
            file = save_bytes_to_cache(content, FILE_NAME, cache_dir=self.download.GRADIO_CACHE)
        return [
            render("teach_said", said=said, undo=lesson.before is not None),
            render("teach_labels", taught=taught, left_out=left_out, advice=advice(taught, left_out)),
            gr.DownloadButton(value=file, visible=bool(file)),
            gr.Button(visible=bool(file)),
            gr.skip() if label is None else label,
            lesson,
        ]
