"""`train.py translate` and `train.py text` from end to end on tiny data, and what they refuse."""

import json
import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genre_models.beam import Beams
from genre_models.hub import load_text, load_translation
from genre_models.training import words, words_report
from genre_models.training.commands import main
from genre_models.training.files import DataError
from genre_models.training.ngram import BackOff
from genre_models.training.teacher_forcing import Trainer
from genre_models.training.words_books import EVERY, STRETCH, divided, paragraphs
from genre_models.training.words_data import Runs, Sentences
from genre_models.training.words_ngram import PieceNGram
from genre_models.training.words_pairs import Pair
from genre_models.training.words_report import BEAM, COPY, GREEDY, NEAREST, SURE
from genre_models.training.words_tables import text_table, translation_table
from genre_models.words import TextTransformer, TranslationTransformer, continue_text, translate
from genre_models.words.vocabulary import END, PAD, START
from tests.phrases import PAIRS, SMALL, THINGS, VERBS, VOCABULARY, WHEN

PROSE = "\n\n".join(
    f"On day {n} she {verb.lower()}d the {thing} {when}, and nobody said a word about it."
    for n in range(24)
    for verb in VERBS
    for thing in THINGS
    for when in WHEN
)


class Program:
    """`train.py` on small networks, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics_file = folder / "words.json"
        (folder / "pairs.tsv").write_text(
            "\n".join(f"{source}\t{target}" for source, target in PAIRS), encoding="utf-8"
        )
        (folder / "book.txt").write_text(PROSE, encoding="utf-8")

    def __call__(self, *arguments: str) -> None:
        places = ["--output", str(self.folder / "out"), "--metrics", str(self.metrics_file)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["train.py", *arguments, *places, "--epochs", "1"])
            patch.setattr(words, "VOCABULARY_SIZE", 320)
            patch.setattr(words, "TRANSLATION_RATES", (1e-3,))
            patch.setattr(words, "TEXT_RATES", (1e-3,))
            for name, use in (
                ("TranslationTransformer", TranslationTransformer),
                ("TextTransformer", TextTransformer),
            ):
                patch.setattr(words, name, partial(use, **SMALL))
            patch.setattr(words_report, "RESAMPLES", 20)
            patch.setattr(words_report, "EXAMPLES", 2)
            try:
                main()
            finally:
                logging.disable(logging.NOTSET)

    def translate(self, *more: str) -> None:
        self("translate", "--data", str(self.folder / "pairs.tsv"), *more)

    def text(self, *more: str) -> None:
        self("text", "--data", str(self.folder / "book.txt"), *more)

    @property
    def metrics(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.metrics_file.read_text(encoding="utf-8"))
        return content


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program, once both are trained."""
    whole = Program(tmp_path_factory.mktemp("words"))
    whole.translate()
    whole.text()
    return whole


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_epoch", lambda _: pytest.fail("it trains"))
        yield


def test_translations_are_measured_beside_both_baselines(program: Program) -> None:
    metrics = program.metrics["translate"]
    assert list(metrics["test"]["systems"]) == [GREEDY, BEAM, NEAREST, COPY]
    for one in metrics["test"]["systems"].values():
        for metric in ("chrF", "BLEU"):
            low, high = one[metric]["interval"]
            assert low <= high
            assert 0 <= one[metric]["score"] <= 100
    assert all("version:" in signature for signature in metrics["test"]["signatures"].values())
    split = metrics["split"]
    assert metrics["test"]["phrases"] == split["test"] > 0
    total = split["train"] + split["valid"] + split["test"] + split["near_variants_dropped"]
    assert total == metrics["data"]["pairs"]["pairs.tsv"] == len(PAIRS)


def test_the_examples_are_the_first_test_phrases_as_they_came_out(program: Program) -> None:
    model = load_translation(program.folder / "out")
    assert model is not None
    examples = program.metrics["translate"]["test"]["examples"]
    assert len(examples) == 2
    for one in examples:
        assert Pair(one["source"], one["reference"]) in PAIRS
        assert one["translation"] == translate(model, one["source"], _beams(program)).best.text


def test_all_held_out_phrases_are_sorted_by_what_the_app_says_of_them(program: Program) -> None:
    metrics = program.metrics["translate"]
    model = load_translation(program.folder / "out")
    assert model is not None
    for part in ("valid", "test"):
        found = metrics["doubt"][part]
        phrases = sum(one["phrases"] for one in found["against"].values())
        assert phrases + found["refused"] == metrics["split"][part]
    shown = [one["source"] for one in metrics["test"]["examples"]]
    for source in shown:
        why = translate(model, source, _beams(program)).why_doubted
        assert metrics["doubt"]["test"]["against"][why or SURE]["phrases"] >= 1


def test_the_tables_show_doubts_and_evenness(program: Program) -> None:
    metrics = program.metrics
    doubted, prose = translation_table(metrics["translate"]), text_table(metrics["text"])
    for title in ("nothing", "its pieces are unlikely", "half of the words were never seen"):
        assert doubted.count(f"| {title} |") == 1
    assert "below 60% per piece" in doubted
    for table, use in ((doubted, "translate"), (prose, "text")):
        found = metrics[use]["evenness"]
        assert f"{100 * found['mean']:.1f}% of the entropy" in table
        assert f"{100 * found['sharpest']['evenness']:.1f}% in the sharpest" in table
    assert f"the {words.GIVEN} pieces of a beginning" in prose


def _beams(program: Program) -> Beams:
    known = program.metrics["translate"]["beams"]
    return Beams(known["width"], known["max_tokens"], known["alpha"])


def test_prose_is_measured_beside_an_n_gram_on_the_same_pieces(program: Program) -> None:
    systems = program.metrics["text"]["test"]["systems"]
    assert list(systems) == ["transformer", "n-gram"]
    assert len({one["pieces"] for one in systems.values()}) == 1
    for one in systems.values():
        assert 1 < one["character"]["perplexity"] < one["piece"]["perplexity"] < one["word"]["perplexity"]
        for unit in ("character", "piece", "word"):
            low, high = one[unit]["interval"]
            assert low <= one[unit]["perplexity"] <= high
    tried = program.metrics["text"]["n_gram"]["trials"]
    assert len(tried) == len(words.ORDERS) * len(words.DISCOUNTS)


def test_the_weights_lie_beside_vocabulary_words_and_figures(program: Program) -> None:
    folder = program.folder / "out"
    model = load_text(folder)
    assert model is not None
    assert len(list(continue_text(model, "On day 3 she", 6))) == 6
    assert "nobody" in model.seen
    for use in ("translate", "text"):
        files = {file.name for file in (folder / use).iterdir()}
        assert files >= {"model.safetensors", "config.json", "tokenizer.json", "words.json", "README.md"}
        beside = json.loads((folder / use / "metrics.json").read_text(encoding="utf-8"))
        assert beside["test"] == program.metrics[use]["test"]


def test_resume_trains_nothing_again_and_keeps_what_the_other_use_has(
    program: Program, no_training: None
) -> None:
    before = program.metrics
    program.translate("--resume")
    program.text("--resume")
    assert program.metrics == before


def test_ctrl_c_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: Trainer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "train_epoch", interrupt)
    for train in (Program(tmp_path).translate, Program(tmp_path).text):
        with pytest.raises(SystemExit) as stopped:
            train()
        assert stopped.value.code == 130
        assert "--resume" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["translate", "--data", "none.tsv"], "There is no file"),
        (["text", "--data", "none.txt"], "There is no file"),
        (["text", "--data", __file__], "too few"),
        (["translate", "--data", __file__], "is not a phrase, a tab and its translation"),
    ],
)
def test_wrong_data_gets_one_line(
    program: Program, arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        program(*arguments)
    assert stopped.value.code == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("train.py: ")
    assert problem in said
    assert "\n" not in said


@pytest.mark.parametrize("content", ["{", "[1]", "3"])
def test_a_damaged_file_of_metrics_is_named(content: str, tmp_path: Path) -> None:
    file = tmp_path / "words.json"
    file.write_text(content)
    with pytest.raises(DataError, match="is damaged"):
        words.measured_before(file)


# How the data is laid out -------------------------------------------------------------------------------


def test_translation_is_whole_source_and_whole_target() -> None:
    examples = Sentences(PAIRS[:7], VOCABULARY, 64)
    rows = [
        (row[row != PAD].tolist(), told[told != PAD].tolist())
        for sources, targets in examples.batches(3, np.random.default_rng(0))
        for row, told in zip(sources, targets, strict=True)
    ]
    expected = [(VOCABULARY.encode(s), [START, *VOCABULARY.encode(t), END]) for s, t in PAIRS[:7]]
    assert sorted(rows) == sorted(expected)


def test_text_is_a_run_and_the_run_that_follows_it() -> None:
    text = " ".join(pair.source for pair in PAIRS)
    ids = VOCABULARY.encode(text)
    runs = Runs([text], VOCABULARY, 16)
    for batches in (runs.batches(4, np.random.default_rng(0)), runs.held_out(4)):
        for sources, targets in batches:
            for source, target in zip(sources, targets, strict=True):
                given, told = source[source != PAD].tolist(), target[target != PAD].tolist()
                assert told[0] == START
                whole = given + told[1:]
                assert any(ids[i : i + len(whole)] == whole for i in range(len(ids)))
    held_out = [len(row[row != PAD]) - 1 for _, targets in runs.held_out(4) for row in targets]
    assert sum(held_out) == len(ids) - 16  # all but the first run, each piece once


def test_an_n_gram_spreads_all_probability_and_knows_what_it_has_seen() -> None:
    model = PieceNGram([np.array([3, 4, 5, 3, 4, 5, 3, 4])], 6, order=3, discount=0.5)
    nats = [
        model.token_losses(torch.tensor([[5, 3]]), torch.tensor([[START, token]])).item()
        for token in range(3, 6)
    ]
    assert np.argmin(nats) == 1  # after 5 3 comes 4
    counted: BackOff = model.counted
    for context in ((3, 5), (5, 5), ()):
        ordered = [counted.probability(context, token) for token in range(6)]
        assert sum(ordered) == pytest.approx(1)
        np.testing.assert_allclose(ordered, counted.probabilities(context))


def test_books_are_divided_by_passage() -> None:
    text = "\n\n".join(f"paragraph number {n} " + "word " * 200 for n in range(30 * EVERY))
    prose = divided({"a book": text})
    sides = (prose.train, prose.valid, prose.test)
    assert sum(map(len, sides)) == len({stretch for side in sides for stretch in side})
    assert len(prose.valid) == pytest.approx(len(prose.train) / EVERY, rel=0.5)
    assert all(len(stretch) >= STRETCH for stretch in prose.valid)
    numbers = [set(side) for side in ("\n".join(part).split("paragraph ") for part in sides)]
    assert not (numbers[1] & numbers[2]) - {""}
    with pytest.raises(DataError, match="too few"):
        divided({"a note": "some words"})


def test_headings_and_marks_are_no_prose() -> None:
    text = "CHAPTER I\r\n\r\nIt was _late_,\r\nand “dark”.\r\n\r\n* * *\r\n\r\nIV.\r\n\r\nThe End"
    assert paragraphs(text) == ['It was late, and "dark".', "The End"]
