"""Where a push may go and where it may not, with the real client against a local Hub."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub import HfApi

from genre_models.classifiers import CNN, LSTM
from genre_models.hub import MODEL_FOLDERS, load_melody, locate
from genre_models.metrics import EVALUATION_FILE
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.served import serve
from genre_models.training import commands
from genre_models.training.push import HubError, Target, push
from genre_models.ui.examples import EXAMPLES
from tests.hub_server import ADA, BOB
from tests.hub_store import LARGE, Hub, Repo

EXAMPLE = EXAMPLES / "island-dreams.ogg"
CARDS = ("", *(f"{folder}/" for folder in MODEL_FOLDERS))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with one untrained network."""
    LSTM().save_pretrained(tmp_path / "models" / "lstm")
    return tmp_path / "models"


def only_repo(hub: Hub) -> Repo:
    (repo,) = hub.repos.values()
    return repo


# Where it is pushed -------------------------------------------------------------------------------------


def test_a_private_repository_is_for_its_owner_only(
    hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(small, None, Target("ada/secret", private=True))
    assert only_repo(hub).private
    assert serve("ada/secret").problem is None
    monkeypatch.setenv("HF_TOKEN", BOB)
    with pytest.raises(HubError, match="may not write"):
        push(small, None, Target("ada/secret"))


def test_what_is_public_is_not_taken_for_private(hub: Hub, small: Path) -> None:
    push(small, None, Target("ada/open"))
    with pytest.raises(HubError, match="is public already"):
        push(small, None, Target("ada/open", private=True))
    assert len(only_repo(hub).commits) == 2


def test_branches_tags_and_commits_pin_what_is_pulled(hub: Hub, small: Path) -> None:
    first = push(small, None, Target("ada/ears"))
    HfApi().create_tag("ada/ears", tag="v1")
    old = locate("ada/ears")
    LSTM().save_pretrained(small / "lstm")
    second = push(small, None, Target("ada/ears"))
    assert second.commit != first.commit
    for revision, commit in (("v1", first), (first.commit, first), ("main", second), (second.commit, second)):
        assert locate(f"ada/ears@{revision}").commit == commit.commit
    weights = [
        (source.folder / "lstm" / "model.safetensors").read_bytes()
        for source in (old, locate("ada/ears@v1"), locate("ada/ears"))
    ]
    assert weights[0] == weights[1] != weights[2]


def test_a_branch_leaves_main_as_it_is(hub: Hub, small: Path) -> None:
    push(small, None, Target("ada/ears"))
    before = only_repo(hub).refs["main"]
    pushed = push(small, None, Target("ada/ears", revision="trial"))
    assert only_repo(hub).refs == {"main": before, "trial": pushed.commit}
    card = only_repo(hub).commits[pushed.commit]["lstm/README.md"].content.decode()
    assert 'from_pretrained("ada/ears", subfolder="lstm", revision="trial")' in card
    assert (
        "app.py --models ada/ears@trial"
        in only_repo(hub).commits[pushed.commit]["README.md"].content.decode()
    )


def test_a_pull_request_can_be_tried_before_it_is_merged(
    hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(small, None, Target("ada/ears"))
    before = only_repo(hub).refs["main"]
    LSTM().save_pretrained(small / "lstm")
    monkeypatch.setenv("HF_TOKEN", BOB)
    pushed = push(small, None, Target("ada/ears", create_pr=True))
    assert only_repo(hub).refs == {"main": before, "refs/pr/1": pushed.commit}
    assert str(pushed.pull_request).endswith("/ada/ears/discussions/1")
    assert locate("ada/ears@refs/pr/1").commit == pushed.commit


def test_a_model_that_is_gone_goes_from_the_repository_too(hub: Hub, small: Path) -> None:
    CNN().save_pretrained(small / "cnn")
    push(small, None, Target("ada/ears"))
    HfApi().upload_file(path_or_fileobj=b"mine", path_in_repo="notes.txt", repo_id="ada/ears")
    shutil.rmtree(small / "cnn")
    pushed = push(small, None, Target("ada/ears"))
    left = only_repo(hub).commits[pushed.commit]
    assert {path.split("/")[0] for path in left if "/" in path} == {"lstm"}
    assert "notes.txt" in left  # what others put there stays


def test_pushing_the_same_again_commits_nothing(hub: Hub, small: Path) -> None:
    first = push(small, None, Target("ada/ears"))
    again = push(small, None, Target("ada/ears"))
    assert first.is_new
    assert not again.is_new
    assert again.commit == first.commit
    assert len(only_repo(hub).commits) == 2


def test_one_model_can_be_pushed_by_itself(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = LSTM().eval()
    model.push_to_hub("ada/alone")
    card = only_repo(hub).commits[only_repo(hub).refs["main"]]["README.md"].content.decode()
    assert 'LSTM.from_pretrained("ada/alone")' in card
    assert "no figures" in card
    inputs = torch.randn(2, 130, 13)
    with torch.inference_mode():
        assert torch.equal(LSTM.from_pretrained("ada/alone", revision="main")(inputs), model(inputs))


def test_weights_of_over_10_mib_arrive(hub: Hub, tmp_path: Path) -> None:
    model = load_melody()
    assert model is not None
    large = type(model)(d_model=256, heads=4, d_ff=1024)
    large.save_pretrained(tmp_path / "melody")
    LSTM().save_pretrained(tmp_path / "lstm")
    push(tmp_path, None, Target("ada/large"))
    source = locate("ada/large")
    assert (source.folder / "melody" / "model.safetensors").stat().st_size > LARGE
    pulled = load_melody(source.folder)
    assert pulled is not None
    for name, weight in large.state_dict().items():
        assert torch.equal(pulled.state_dict()[name], weight)


# What is refused ----------------------------------------------------------------------------------------


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["train.py", "push", *arguments])
    try:
        commands.main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def test_the_command_says_where_the_models_are(
    hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--repo", "ada/ears", "--models", str(small)) == 0
    said = capsys.readouterr()
    commit = only_repo(hub).refs["main"]
    assert f"python app.py --models ada/ears@{commit}" in said.out
    assert ADA not in said.out + said.err


@pytest.mark.parametrize(
    ("token", "repo", "sentence"),
    [
        (None, "ada/ears", "There is no token for the Hub: set HF_TOKEN or run `hf auth login`."),
        ("hf_wrong", "ada/ears", "The Hub does not accept this token"),
        (ADA, "carol/ears", "This token may not write to carol/ears."),
    ],
)
def test_a_push_without_leave_is_refused_in_a_line(
    hub: Hub,
    small: Path,
    token: str | None,
    repo: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("HF_TOKEN") if token is None else monkeypatch.setenv("HF_TOKEN", token)
    assert run(monkeypatch, "--repo", repo, "--models", str(small)) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"train.py: {sentence}")
    assert said.err.count("\n") == 1
    assert token is None or token not in said.out + said.err
    assert not hub.repos


def test_a_hub_in_trouble_is_one_line(
    hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.down = 500
    assert run(monkeypatch, "--repo", "ada/ears", "--models", str(small)) == 2
    assert capsys.readouterr().err == "train.py: The Hub answered 500 to the push to ada/ears.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--repo", "ears"],
        ["--repo", "ada/ears", "--create-pr", "--revision", "trial"],
        ["--repo", "ada/ears", "--models", "/nowhere"],
        ["--repo", "ada/ears", "--metrics", "/nowhere"],
    ],
)
def test_wrong_arguments_are_refused(hub: Hub, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert not hub.repos


def test_figures_of_other_weights_are_not_published(hub: Hub, small: Path) -> None:
    (small / "lstm" / "metrics.json").write_text(json.dumps({"data": {"clips": 1}}))
    with pytest.raises(ValueError, match="other recordings than lstm was trained on"):
        push(small, EVALUATION_FILE.parent, Target("ada/ears"))
    assert not hub.repos


def test_a_measured_verdict_goes_with_its_weights_or_not_at_all(
    hub: Hub, small: Path, tmp_path: Path
) -> None:
    evaluation = json.loads(EVALUATION_FILE.read_text())
    (small / "lstm" / "metrics.json").write_text(json.dumps({"data": evaluation["data"]}))
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    shutil.copy(EVALUATION_FILE, metrics)
    with pytest.raises(ValueError, match="and the verdict was measured with it"):
        push(small, metrics, Target("ada/ears"))
    shutil.copy(BUNDLED_WEIGHTS / "verdict.json", metrics)  # where train.py evaluate puts it
    pushed = push(small, metrics, Target("ada/ears"))
    tree = only_repo(hub).commits[pushed.commit]
    assert tree["verdict.json"].content == (metrics / "verdict.json").read_bytes()
    measured = evaluation["splits"]["artist"]["lstm"]["balanced_accuracy"]
    assert f"{100 * measured:.1f}%".encode() in tree["lstm/README.md"].content


def test_weights_that_cannot_be_loaded_are_not_published(hub: Hub, small: Path) -> None:
    (small / "lstm" / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match="do not fit the LSTM"):
        push(small, None, Target("ada/ears"))
    assert not hub.repos
