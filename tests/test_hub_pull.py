"""Where the app's models come from: the Hub, its cache, a folder; and what it does when these fail."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from huggingface_hub import HfApi
from huggingface_hub.constants import ENDPOINT
from safetensors.torch import load_file, save_file

from genre_models.classifiers import CNN, GENRES, LSTM, MLP
from genre_models.hub import locate
from genre_models.metrics import EVALUATION_FILE
from genre_models.served import Served, serve
from genre_models.training.push import Target, push
from genre_models.ui.source import fallback, source
from tests import HUB_PORT
from tests.hub_server import BOB, Server
from tests.hub_store import Hub, Repo

MINE = Target("ada/ears")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with one untrained network."""
    LSTM().save_pretrained(tmp_path / "models" / "lstm")
    return tmp_path / "models"


def upload(folder: Path) -> None:
    """As anybody may, without the checks of a push."""
    HfApi().create_repo("ada/ears", exist_ok=True)
    HfApi().upload_folder(repo_id="ada/ears", folder_path=folder)


def assert_fell_back(served: Served, *words: str) -> None:
    """The app has its own models, and says why on the page."""
    assert served.source.is_bundled
    assert len(served.ensemble.models) == 5
    assert served.melody is not None
    problem = str(served.problem)
    assert "\n" not in problem
    for word in words:
        assert word in problem
    assert "hf_" not in problem
    assert str(Path.home()) not in problem
    assert "are not in use" in fallback(served)
    assert "those that come with the app" in source(served)


def test_tests_ask_no_other_hub() -> None:
    assert f"http://127.0.0.1:{HUB_PORT}" == ENDPOINT


def test_a_folder_works_as_a_repository_does(hub: Hub, small: Path) -> None:
    push(small, None, MINE)
    here, there = serve(str(small)), serve("ada/ears")
    assert here.problem is there.problem is None
    assert here.ensemble.models.keys() == there.ensemble.models.keys() == {"lstm"}
    for name, weight in here.ensemble.models["lstm"].state_dict().items():
        assert torch.equal(there.ensemble.models["lstm"].state_dict()[name], weight)
    assert here.melody is there.melody is None
    assert "the folder models." in source(here)


def test_the_foot_of_the_page_names_repository_commit_and_figures(bundled: tuple[Repo, str]) -> None:
    repo, commit = bundled
    repo.point("v1", commit)
    foot = source(serve("ada/ears@v1"))
    assert f'href="{ENDPOINT}/ada/ears/tree/{commit}"' in foot
    assert f"<code>{commit[:7]}</code>, asked for as v1." in foot
    headline = json.loads(EVALUATION_FILE.read_text())["splits"]["artist"]["verdict"]["balanced_accuracy"]
    assert f"right genre for {100 * headline:.0f}% of the tracks" in foot
    assert "by the figures that came with them" in foot


def test_what_was_not_measured_is_called_so(small: Path) -> None:
    served = serve(str(small))
    assert served.quality.accuracies == {}
    assert "was not measured" in source(served)


def test_only_what_is_needed_is_fetched(hub: Hub, small: Path) -> None:
    (small / "huge.wav").write_bytes(b"\0" * 100)
    (small / "lstm" / "notes.txt").write_text("?")
    upload(small)
    folder = locate("ada/ears").folder
    assert {path.name for path in folder.glob("*/*")} == {"config.json", "model.safetensors"}


def test_the_cache_serves_when_the_hub_is_away(hub: Hub, hub_server: Server, small: Path) -> None:
    commit = push(small, None, MINE).commit
    serve("ada/ears")
    hub_server.stop()
    for models in ("ada/ears", f"ada/ears@{commit}"):
        served = serve(models)
        assert served.problem is None
        assert served.source.commit == commit


def test_a_hub_that_is_away_is_said(hub: Hub, hub_server: Server) -> None:
    hub_server.stop()
    assert_fell_back(serve("ada/ears"), "The Hub cannot be reached, and ada/ears is not whole in the cache.")


def test_a_hub_in_trouble_is_said(hub: Hub) -> None:
    hub.down = 500
    assert_fell_back(serve("ada/ears"), "ada/ears")


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        ("ada/none", "no repository ada/none on the Hub"),
        ("ada/ears@v9", "ada/ears on the Hub has no branch, tag or commit v9."),
        ("/no/such/folder", "There is no folder /no/such/folder"),
        ("runs/none/deeper", "There is no folder runs/none/deeper"),
    ],
)
def test_what_is_not_there_is_said(hub: Hub, small: Path, models: str, sentence: str) -> None:
    push(small, None, MINE)
    assert_fell_back(serve(models), sentence)


def test_a_gated_repository_is_said(hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push(small, None, MINE)
    hub.repos["model", "ada/ears"].gated = True
    monkeypatch.setenv("HF_TOKEN", BOB)
    assert_fell_back(serve("ada/ears"), "ada/ears on the Hub is gated", "HF_TOKEN")


def test_a_private_repository_shows_nothing_to_others(
    hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(small, None, Target("ada/ears", private=True))
    monkeypatch.delenv("HF_TOKEN")
    assert_fell_back(serve("ada/ears"), "no repository ada/ears on the Hub that you may read")


def pickled(folder: Path) -> None:
    weights = folder / "lstm" / "model.safetensors"
    torch.save(load_file(weights), folder / "lstm" / "pytorch_model.bin")
    weights.unlink()


def pickled_beside_another(folder: Path) -> None:
    MLP().save_pretrained(folder / "mlp")
    pickled(folder)


def of_other_shapes(folder: Path) -> None:
    CNN().save_pretrained(folder / "cnn")
    shutil.copy(folder / "cnn" / "model.safetensors", folder / "lstm" / "model.safetensors")


def of_other_genres(folder: Path) -> None:
    shutil.rmtree(folder / "lstm")
    LSTM(genres=[*GENRES[:9], "polka"]).save_pretrained(folder / "lstm")


def incomplete(folder: Path) -> None:
    weights = folder / "lstm" / "model.safetensors"
    save_file(dict(list(load_file(weights).items())[1:]), weights)


def cut_off(folder: Path) -> None:
    weights = folder / "lstm" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def without_models(folder: Path) -> None:
    shutil.rmtree(folder / "lstm")
    (folder / "verdict.json").write_text("[]")


def with_another_verdict(folder: Path) -> None:
    (folder / "verdict.json").write_text('{"lstm": "much"}')


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (pickled, "lstm/pytorch_model.bin is a pickle, which can run code"),
        (pickled_beside_another, "lstm/pytorch_model.bin is a pickle, which can run code"),
        (of_other_shapes, "lstm do not fit the LSTM"),
        (of_other_genres, "lstm were made for other genres"),
        (incomplete, "lstm do not fit the LSTM"),
        (cut_off, "lstm do not fit the LSTM"),
        (without_models, "There are no trained models in ada/ears@"),
        (with_another_verdict, "verdict.json does not hold the weights of a verdict"),
    ],
)
@pytest.mark.parametrize("where", ["hub", "folder"])
def test_models_that_cannot_be_used_are_not(
    hub: Hub, small: Path, spoil: Callable[[Path], None], sentence: str, where: str
) -> None:
    spoil(small)
    if where == "hub":
        upload(small)
        assert_fell_back(serve("ada/ears"), "ada/ears@", sentence)
    else:
        assert_fell_back(serve(str(small)), sentence.replace("ada/ears@", str(small)))


def test_a_verdict_is_not_claimed_for_other_weights(hub: Hub, small: Path) -> None:
    shutil.copytree(EVALUATION_FILE.parent, small / "metrics")
    upload(small)
    served = serve("ada/ears")
    assert "lstm" in served.quality.accuracies
    assert "verdict" not in served.quality.accuracies
    assert served.quality.calibration is None
    assert "was not measured" in source(served)


def test_figures_of_the_wrong_shape_are_not_believed(hub: Hub, small: Path) -> None:
    (small / "metrics").mkdir()
    evaluation = json.loads(EVALUATION_FILE.read_text())
    evaluation["splits"]["artist"]["verdict"]["balanced_accuracy"] = 757.0
    (small / "metrics" / "evaluation.json").write_text(json.dumps(evaluation))
    upload(small)
    served = serve("ada/ears")
    assert served.problem is None
    assert not served.source.is_bundled
    assert served.quality.accuracies == {}
    assert "metrics/evaluation.json does not hold what train.py evaluate writes" in str(served.doubt)
    assert str(served.source.folder) not in str(served.doubt)
    assert "757" not in source(served)
