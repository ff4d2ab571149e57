"""Several files at once: the part of the Classify tab that answers with a table."""

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from genre_models import several
from genre_models.hub import Ensemble
from genre_models.several import Answered
from genre_models.ui.html import render
from genre_models.ui.models import title
from genre_models.ui.widgets import plain_html

MOST_FILES = 50
HEADINGS = ("File", "Length", "Verdict", "Sure", "Confidence", "Agreement")
CSV_NAME = "genre table.csv"
STATUS = 'element.setAttribute("role", "status");'
SORT = """
element.addEventListener("click", (event) => {
  const head = event.target.closest("th:has(button)");
  if (!head) return;
  const order = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  const sign = order === "ascending" ? 1 : -1;
  const key = (row) => row.cells[head.cellIndex]?.dataset.sort ?? "";
  const compare = (a, b) => !key(a) - !key(b)
    || sign * key(a).localeCompare(key(b), undefined, { numeric: true });
  const body = head.closest("table").tBodies[0];
  body.append(...[...body.rows].sort(compare));
  head.parentElement.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", order);
});
"""
"""A press on a heading sorts by that column, a second one the other way round; no value comes last."""

Updates = dict[Any, Any]


class SeveralPanel:
    """The widgets; the models in `chosen` answer, as for one clip."""

    def __init__(self, ensemble: Ensemble, chosen: gr.CheckboxGroup, limits: dict[str, Any]) -> None:
        self.ensemble = ensemble
        with gr.Accordion("Several files at once", open=False, elem_id="several"):
            plain_html(render("several_how", most=MOST_FILES), elem_id="several-how")
            self.upload = gr.UploadButton(
                "Upload files", file_count="multiple", size="md", elem_id="several-upload"
            )
            self.said = plain_html(elem_id="several-said", js_on_load=STATUS)
            self.table = plain_html(elem_id="several-table", js_on_load=SORT)
            self.csv = gr.DownloadButton("Table as CSV", visible=False, elem_id="several-csv", size="sm")
        self.upload.upload(
            self.on_files,
            [self.upload, chosen],
            [self.said, self.table, self.csv],
            show_progress="hidden",
            **limits,
        )

    def on_files(self, files: Sequence[str], chosen: Sequence[str]) -> Iterator[Updates]:
        """Files came in: a row for each as soon as it is answered."""
        if not chosen:
            yield {self.said: _said("Tick at least one model under “Models that answer”.", is_error=True)}
            return
        paths, left_out = files[:MOST_FILES], len(files) - MOST_FILES
        weights = self.ensemble.combination.of(chosen)
        models = sorted(chosen, key=lambda name: -weights[name])
        answers: list[Answered] = []
        for one in several.answer(paths, self.ensemble, chosen):
            answers.append(one)
            yield {
                self.said: _said(f"{len(answers)} of {len(paths)} files"),
                self.table: _table(answers, models),
            }
        yield {self.said: _said(_summary(answers, left_out)), self.csv: self._download(answers, chosen)}

    def _download(self, answers: Sequence[Answered], chosen: Sequence[str]) -> Any:
        content = several.to_csv(answers, chosen)
        file = save_bytes_to_cache(content, CSV_NAME, cache_dir=self.csv.GRADIO_CACHE)
        return gr.DownloadButton(value=file, visible=True)


def _said(sentence: str, is_error: bool = False) -> str:
    return render("several_said", sentence=sentence, is_error=is_error)


def _summary(answers: Sequence[Answered], left_out: int) -> str:
    named = [one.report.verdict for one in answers if one.report and one.report.verdict.genre]
    sure = sum(verdict.sure for verdict in named)
    without = len(answers) - len(named)
    parts = [f"{len(answers)} files: {sure} sure, {len(named) - sure} not sure, {without} without a genre."]
    if left_out > 0:
        parts.append(f"The last {left_out} were left out: give {MOST_FILES} at a time.")
    return " ".join(parts)


def _table(answers: Sequence[Answered], models: Sequence[str]) -> str:
    """A row for each file in words; where there is no genre, the reason stands in its place."""
    headings = [*HEADINGS, *map(title, models)]
    return render("several_table", answers=answers, models=models, headings=headings, title=title)
