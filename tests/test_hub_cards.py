"""What a push puts on the Hub: all models in one commit, with cards that are complete and keep their word."""

import io
import json
import re
import shutil
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from huggingface_hub import ModelCard, ModelCardData
from PIL import Image

from genre_models import audio, features
from genre_models.classifiers import ARCHITECTURES, GENRES
from genre_models.classify import classify
from genre_models.hub import MODEL_FOLDERS, load_ensemble, load_melody, load_text, load_translation
from genre_models.melody import Request, continue_tune, notes
from genre_models.metrics import EVALUATION_FILE, measured
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.served import serve
from genre_models.ui.examples import EXAMPLES
from tests.hub_store import LARGE, Repo, Tree

EXAMPLE = EXAMPLES / "island-dreams.ogg"
CARDS = ("", *(f"{folder}/" for folder in MODEL_FOLDERS))


@pytest.fixture
def tree(bundled: tuple[Repo, str]) -> Tree:
    """All files of the app's own models on the Hub, by their path."""
    repo, commit = bundled
    return repo.commits[commit]


def front(card: bytes) -> ModelCardData:
    data = ModelCard(card.decode()).data
    assert isinstance(data, ModelCardData)
    return data


# What is pushed -----------------------------------------------------------------------------------------


def test_everything_is_in_one_commit(bundled: tuple[Repo, str], tree: Tree) -> None:
    repo, commit = bundled
    assert list(repo.commits) == [next(iter(repo.commits)), commit]  # the first is the Hub's own
    for folder in MODEL_FOLDERS:
        assert {f"{folder}/model.safetensors", f"{folder}/config.json", f"{folder}/README.md"} <= tree.keys()
    assert {
        "README.md",
        "LICENSE",
        "musicnn/LICENCE",
        "verdict.json",
        "metrics/evaluation.json",
    } <= tree.keys()
    assert not [path for path in tree if Path(path).suffix in {".bin", ".pt", ".pkl"}]


def test_weights_and_pictures_go_through_lfs(tree: Tree) -> None:
    for path, file in tree.items():
        assert file.is_lfs == path.endswith((".safetensors", ".png")), path
        assert file.is_lfs or len(file.content) < LARGE


def test_pulled_models_answer_to_the_bit_as_the_pushed_ones(bundled: tuple[Repo, str]) -> None:
    served = serve(f"ada/ears@{bundled[1]}")
    assert served.problem is None
    assert not served.source.is_bundled
    ours, theirs = classify(EXAMPLE, load_ensemble()), classify(EXAMPLE, served.ensemble)
    assert [m.probabilities for m in theirs.models] == [m.probabilities for m in ours.models]
    assert [m.timeline for m in theirs.models] == [m.timeline for m in ours.models]
    assert theirs.probabilities == ours.probabilities
    assert (theirs.verdict, theirs.sound) == (ours.verdict, ours.sound)
    request, melody = Request(notes.parse("A5 E5 C#5 B3"), length=12), load_melody()
    assert melody is not None
    assert served.melody is not None
    assert list(continue_tune(served.melody, request)) == list(continue_tune(melody, request))


def test_pulled_models_bring_what_was_measured_of_them(bundled: tuple[Repo, str]) -> None:
    served = serve("ada/ears")
    assert served.doubt is None
    assert served.quality == measured()
    assert served.repertoire.tunes is not None
    assert served.perplexity is not None


# Cards --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", CARDS)
def test_cards_are_complete(tree: Tree, folder: str) -> None:
    text = tree[f"{folder}README.md"].content.decode()
    assert "More Information Needed" not in text
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert not re.search(r"\{\{|\}\}|\{%|None|Undefined", prose)
    sections = ["Use", "What it is for", "Data and split", "How good it is", "Licence and citation"]
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [heading for heading in headings if heading in sections] == sections
    assert "@misc{" in text or "@inproceedings{" in text
    assert front(text.encode()).license in {"mit", "isc", "other"}
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert all(f"{folder}{link}" in tree for link in links), links
    if folder:
        inputs = {f"How {what} its input" for what in ("sound becomes", "notes become", "text becomes")}
        assert inputs & set(headings)


def test_cards_quote_the_code(tree: Tree) -> None:
    text = tree["cnn/README.md"].content.decode()
    assert f"the first {features.N_MFCC} of the orthonormal DCT-II" in text
    assert f"{features.N_FRAMES} frames × {features.N_MFCC} coefficients" in text
    assert f"| sample rate, mono | {audio.SAMPLE_RATE:,} Hz |" in text
    assert f"{load_ensemble().models['cnn'].n_parameters:,} parameters" in text


def test_the_model_index_holds_what_the_evaluation_says(tree: Tree) -> None:
    evaluation = json.loads(EVALUATION_FILE.read_text())
    systems = evaluation["splits"]["artist"]
    for path, system in (("README.md", "verdict"), *((f"{name}/README.md", name) for name in ARCHITECTURES)):
        results = {result.dataset_config: result for result in front(tree[path].content).eval_results or []}
        assert results["clean"].metric_value == systems[system]["balanced_accuracy"]
        shares = evaluation["conditions"]["systems"][system]
        assert {name: result.metric_value for name, result in results.items()} == shares
        assert f"{100 * systems[system]['balanced_accuracy']:.1f}%" in tree[path].content.decode()
    trained = json.loads((BUNDLED_WEIGHTS / "melody" / "metrics.json").read_text())
    (perplexity,) = front(tree["melody/README.md"].content).eval_results or []
    assert perplexity.metric_value == trained["perplexity"]["transformer"]["note"]
    assert len(front(tree["sound/README.md"].content).eval_results or []) == 2


def test_the_cards_beside_our_weights_are_up_to_date() -> None:
    ensemble = load_ensemble()
    others = {"melody": load_melody(), "translate": load_translation(), "text": load_text()}
    models = {**ensemble.models, "sound": ensemble.detector, **others}
    assert set(models) == set(MODEL_FOLDERS)
    for folder, model in models.items():
        assert model is not None
        beside = BUNDLED_WEIGHTS / folder
        written = (beside / "README.md").read_text(encoding="utf-8")
        told = json.loads((beside / "metrics.json").read_text()) if folder in {"translate", "text"} else {}
        made = str(model.generate_model_card(**told))
        assert written == made, f"{folder}: delete it and save the model again"


def test_confusion_matrices_are_pictures(tree: Tree) -> None:
    for path in ("confusion.png", *(f"{name}/confusion.png" for name in ARCHITECTURES)):
        with Image.open(io.BytesIO(tree[path].content)) as picture:
            assert min(picture.size) > 500
            assert len(picture.convert("L").getcolors(maxcolors=2**16) or []) > 20


@pytest.mark.parametrize("folder", CARDS)
def test_the_lines_on_a_card_work_when_pasted(
    bundled: tuple[Repo, str], tree: Tree, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(EXAMPLE, tmp_path / "clip.wav")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", tree[f"{folder}README.md"].content.decode(), re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 4
    with redirect_stdout(io.StringIO()) as said:
        exec(compile(code, folder, "exec"), {})
    answer = said.getvalue()
    if folder.strip("/") in ARCHITECTURES:
        probabilities = eval(answer)
        assert list(probabilities) == list(GENRES)
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-4)
    assert answer.strip()
