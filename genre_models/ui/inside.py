"""The Inside tab: what the networks hear of the clip last asked about, and what they make of it."""

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from genre_models.audio import SEGMENT_S, AudioError
from genre_models.classifiers import TransformerClassifier
from genre_models.hub import Ensemble
from genre_models.inside.clip import open_clip
from genre_models.plots.features import HEIGHT, features
from genre_models.ui.classify import CONCURRENT_ANSWERS, LOGO, ClassifyTab
from genre_models.ui.html import panel, render
from genre_models.ui.inside_attention import AttentionPanel
from genre_models.ui.inside_figure import drawing, drawn
from genre_models.ui.inside_layers import LayersPanel
from genre_models.ui.inside_occlusion import OcclusionPanel
from genre_models.ui.inside_place import PLAYER, Place, asked_genre, has_sound, place, segment_choices
from genre_models.ui.inside_words import coefficients
from genre_models.ui.session import Entry, Session
from genre_models.ui.widgets import TRIGGER_SELECT, plain_html

IN_ORDER: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "inside"}
"""One after the other: of two looks side by side the earlier could end last and hide the later."""
ON_REQUEST: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "inside-musicnn"}
WAKE = "watch('value', () => { if (element.offsetParent) trigger('select'); });"
"""A new answer arrived while the tab is open."""
NO_CLIP = (
    "Nothing to look inside yet",
    "Classify a clip first, or pick one of these: it is shown here at once.",
)
NO_SOUND = (
    "There is no sound to look inside",
    "A report that came by a link holds numbers, not the clip. Record or upload one, or pick one of these.",
)
GONE = (
    "This clip is no longer here",
    "Clips are deleted after a day. Record or upload it again, or pick one of these.",
)
UNREADABLE = "This clip cannot be read again"

Update = Any
Updates = dict[Any, Update]


class InsideTab:
    """The widgets of the tab and what happens when they are used."""

    def __init__(
        self,
        tab: gr.Tab,
        classify: ClassifyTab,
        ensemble: Ensemble,
        recipes: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.classify, self.ensemble, self.recipes = classify, ensemble, recipes
        self.shown = gr.State("")
        self.wake = gr.HTML(
            "", html_template="<i></i>", elem_id="inside-wake", js_on_load=WAKE, apply_default_css=False
        )
        self.plotly = gr.Plot(visible="hidden", show_label=False, container=False)
        with gr.Column(elem_id="inside-empty") as self.empty:
            self.why = plain_html(_why(*NO_CLIP))
            examples = (
                render("examples", examples=classify.examples, prefix="inside-") if classify.examples else ""
            )
            self.picker = plain_html(examples, elem_id="inside-examples", js_on_load=TRIGGER_SELECT)
        with gr.Column(visible=False, elem_id="inside") as self.body:
            self._build()
        self._connect(tab)

    def _build(self) -> None:
        self.head = plain_html(elem_id="inside-head")
        with gr.Row(elem_id="inside-play"):
            self.player = plain_html(elem_id=PLAYER)
            self.tie = gr.Checkbox(
                True,
                interactive=True,
                label="Tie the segment to the player",
                container=False,
                elem_id="inside-tie",
                min_width=150,
            )
        with gr.Column(elem_id="inside-features"):
            self.features = drawing("inside-clip", HEIGHT)
        self.segment = gr.Radio([("", 0)], value=0, label="Segment", elem_id="inside-segment")
        plain_html(coefficients(), elem_id="inside-coefficients")
        with gr.Column() as self.networks:
            with gr.Row(elem_id="inside-why"):
                with gr.Column(min_width=320, elem_id="inside-attention"):
                    self.attention = self._build_attention()
                with gr.Column(min_width=320, elem_id="inside-occluded"):
                    self.occlusion = OcclusionPanel(self.ensemble.models)
            plain_html(render("inside_differ"), elem_id="inside-differ")
            with gr.Column(elem_id="inside-layers"):
                self.layers = LayersPanel(self.ensemble.models, self.classify.cards, self.recipes)

    def _build_attention(self) -> AttentionPanel | None:
        model = self.ensemble.models.get(TransformerClassifier.name)
        if isinstance(model, TransformerClassifier):
            return AttentionPanel(model)
        plain_html(panel("No attention here", "There is no Transformer among these models."))
        return None

    def _connect(self, tab: gr.Tab) -> None:
        session = self.classify.session
        light: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        quick = light | IN_ORDER | {"trigger_mode": "always_last"}
        where = [session, self.segment]
        opening = [session, self.shown, *self._choices]
        for opened in (tab.select, self.wake.select):
            opened(self.on_open, opening, self._outputs, **quick)
        answered = [self.wake, self.plotly, self.body]
        self.classify.verdict.change(self.on_answer, [session, self.shown], answered, queue=False, **light)
        self.picker.select(
            self.on_example,
            [self.classify.chosen, session],
            [self.classify.clip, *self.classify.outputs],
            concurrency_limit=CONCURRENT_ANSWERS,
            concurrency_id="classify",
            api_visibility="private",
            show_progress="minimal",
            show_progress_on=self.why,
        )
        if self.attention is not None:
            self.attention.connect(where, quick)
        looking = self.occlusion.connect(where, quick, light | ON_REQUEST)
        self.layers.connect(where, quick)
        self.segment.input(
            self.on_segment,
            [*where, *self._choices, self.occlusion.genre],
            self._of_segment,
            cancels=[looking],
            **quick,
        )

    @property
    def _choices(self) -> list[Any]:
        """What the visitor chose to see of a segment."""
        return [self.layers.model, *(self.attention.inputs if self.attention else [])]

    @property
    def _of_segment(self) -> list[Any]:
        attention = self.attention.outputs if self.attention else []
        return [*attention, *self.occlusion.outputs, *self.layers.outputs]

    @property
    def _outputs(self) -> list[Any]:
        frame = [self.empty, self.why, self.body, self.shown, self.head, self.player, self.networks]
        return [*frame, self.features, self.segment, self.tie, self.occlusion.genre, *self._of_segment]

    # What the visitor does ------------------------------------------------------------------------------

    def on_answer(self, session: Session, shown: str) -> list[Update]:
        """An answer: what is shown of another goes out of sight, and Plotly is fetched in time."""
        key = _key(session.entry)
        body = gr.Column(visible=True if key and key == shown else "hidden")
        return [key, go.Figure() if key else gr.skip(), body]

    def on_example(self, chosen: list[str], session: Session, event: gr.EventData) -> list[Update]:
        """An example was picked here: ask the models about it."""
        path = self.classify.pick(event)
        return [path, *self.classify.answer(path, chosen or list(self.ensemble.models), session)]

    def on_open(self, session: Session, shown: str, model: str, *choices: Any) -> Iterator[Updates | Update]:
        """The tab was opened: show the clip, unless it is shown already.

        The features come first, so that the browser draws them while the rest is worked out.
        """
        entry = session.entry
        if entry is None or not has_sound(entry):
            yield self._nothing(*(NO_CLIP if entry is None else GONE if entry.path else NO_SOUND))
            return
        if shown == _key(entry):
            yield gr.skip()
            return
        try:
            at = Place(open_clip(entry.path), 0)
        except AudioError as error:
            yield self._nothing(UNREADABLE, str(error))
            return
        yield self._clip(at, entry)
        if entry.report.models:
            yield self._look(at, asked_genre(entry.report), model, *choices)

    def on_segment(self, session: Session, segment: int, model: str, *choices: Any) -> Updates | Update:
        """Another segment; the last of the choices is the genre that is asked about."""
        at = place(session, segment)
        if at is None or not session.entry or not session.entry.report.models:
            return gr.skip()
        return self._look(at, choices[-1], model, *choices[:-1])

    # What the tab shows ---------------------------------------------------------------------------------

    def _clip(self, at: Place, entry: Entry) -> Updates:
        report = entry.report
        genre = asked_genre(report) if report.models else None
        return {
            self.empty: gr.Column(visible=False),
            self.body: gr.Column(visible=True),
            self.networks: gr.Column(visible=bool(report.models)),
            self.shown: _key(entry),
            self.head: render("inside_head", entry=entry, report=report, segment_s=SEGMENT_S),
            self.player: render("inside_player", path=entry.path),
            self.features: drawn(features(at.clip.seen, PLAYER)),
            self.segment: gr.Radio(segment_choices(report), value=0, visible=bool(report.models)),
            self.tie: gr.Checkbox(visible=bool(report.models)),
            self.occlusion.genre: genre,
        }

    def _look(self, at: Place, genre: str, model: str, *choices: Any) -> Updates:
        attention = self.attention.show(at, *choices) if self.attention is not None else {}
        return attention | self.occlusion.show(at, genre) | self.layers.show(at, model)

    def _nothing(self, heading: str, sentence: str) -> Updates:
        return {
            self.empty: gr.Column(visible=True),
            self.why: _why(heading, sentence),
            self.body: gr.Column(visible=False),
            self.shown: "",
        }


def _why(heading: str, sentence: str) -> str:
    return render("inside_empty", bars=LOGO, heading=heading, sentence=sentence)


def _key(entry: Entry | None) -> str:
    """Different for every answer."""
    return f"{entry.path} {entry.when.isoformat()}" if entry else ""
