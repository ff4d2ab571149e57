"""All models of a folder -> one commit in a repository on the Hugging Face Hub, with their cards."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from genre_models.classifiers import MusiCNNClassifier
from genre_models.hub import (
    COMBINATION_FILE,
    DETECTOR_FOLDER,
    MELODY_FOLDER,
    METRICS_FOLDER,
    MODEL_FILES,
    MODEL_FOLDERS,
    TEXT_FOLDER,
    TRANSLATION_FOLDER,
    Source,
    WeightsError,
    load_ensemble,
    load_melody,
    load_text,
    load_translation,
)
from genre_models.paths import ASSETS, BUNDLED_WEIGHTS
from genre_models.training.cards import VERDICT, Evidence, Place, model_card, read_evidence, repo_card
from genre_models.training.confusion import confusion_png
from genre_models.weights import StrictWeights

LICENCE = ASSETS.parent / "LICENSE"
EAR_LICENCE = BUNDLED_WEIGHTS / MusiCNNClassifier.name / "LICENCE"
CARD, PICTURE = "README.md", "confusion.png"
MAIN = "main"

Content = bytes | Path


class HubError(ValueError):
    """What the Hub, or the way to it, did not let happen; the message is a sentence for a person."""


@dataclass(frozen=True)
class Target:
    """Where to push: "user/name", on a branch other than main, or as a pull request."""

    repo: str
    private: bool | None = None
    revision: str | None = None
    create_pr: bool = False

    @property
    def place(self) -> Place:
        """What the cards give as the address."""
        return Place(self.repo, None if self.revision == MAIN else self.revision)


@dataclass(frozen=True)
class Pushed:
    """The commit that holds the models; `is_new` is false where the Hub had them all already."""

    commit: str
    url: str
    pull_request: str | None
    is_new: bool


def push(models: Path, metrics: Path | None, target: Target) -> Pushed:
    """Upload every model in `models/<name>` in one commit, with cards, pictures and the files in `metrics`.

    Without `metrics` they are looked for where the app looks. What an earlier push left of a model that is no
    longer there is deleted. Raises `WeightsError` or `MetricsError` for what should not be published, and
    `HubError` where the Hub refuses or there is no token.
    """
    if get_token() is None:
        raise HubError("There is no token for the Hub: set HF_TOKEN or run `hf auth login`.")
    if metrics is not None and not metrics.is_dir():
        raise WeightsError(f"There is no folder {metrics} of metrics.")
    files = collect(models, metrics or Source(models).metrics, target.place)
    try:
        return _upload(files, target)
    except HubError:
        raise
    except Exception as error:  # the network, the Hub, its answers: whichever, a person wants one line
        raise HubError(_explain(error, target)) from error


def collect(models: Path, metrics: Path, place: Place) -> dict[str, Content]:
    """Everything that belongs into the repository, by its path there; what cannot be loaded is refused."""
    loaded = _load(models)
    evidence = read_evidence(metrics, models, list(loaded))
    files: dict[str, Content] = {
        CARD: str(repo_card(loaded, evidence, place)).encode(),
        LICENCE.name: LICENCE,
        **dict(_pictures(evidence, loaded)),
    }
    for folder, model in loaded.items():
        files[f"{folder}/{CARD}"] = str(model_card(folder, model, evidence, place)).encode()
        files |= {f"{folder}/{name}": models / folder / name for name in MODEL_FILES}
    if (pretrained := MusiCNNClassifier.name) in loaded:
        files[f"{pretrained}/{EAR_LICENCE.name}"] = EAR_LICENCE
    files[COMBINATION_FILE] = _combination(models, metrics, evidence)
    files |= {f"{METRICS_FOLDER}/{file.name}": file for file in metrics.glob("*.json")}
    return {
        path: content for path, content in files.items() if isinstance(content, bytes) or content.is_file()
    }


def _combination(models: Path, metrics: Path, evidence: Evidence) -> Path:
    """The weights of the verdict, which `train.py evaluate` may have left beside what it measured."""
    places = [folder / COMBINATION_FILE for folder in (models, metrics)]
    found = next((place for place in places if place.is_file()), None)
    if found is None and VERDICT in evidence.systems:
        raise WeightsError(f"There is no {places[0]}, and the verdict was measured with it.")
    return found or places[0]


def _load(models: Path) -> dict[str, StrictWeights]:
    """Every model in the folder, by the name of its own."""
    ensemble = load_ensemble(models)
    found: dict[str, StrictWeights | None] = {
        **ensemble.models,
        DETECTOR_FOLDER: ensemble.detector,
        MELODY_FOLDER: load_melody(models),
        TRANSLATION_FOLDER: load_translation(models),
        TEXT_FOLDER: load_text(models),
    }
    return {folder: model for folder, model in found.items() if model is not None}


def _pictures(evidence: Evidence, models: Mapping[str, StrictWeights]) -> Iterator[tuple[str, bytes]]:
    """Each classifier's confusion matrix and the verdict's, where they were measured."""
    for system, result in evidence.systems.items():
        if "confusion" in result and system in {VERDICT, *models}:
            path = PICTURE if system == VERDICT else f"{system}/{PICTURE}"
            yield path, confusion_png(result["confusion"], f"{system}: artists never heard, % of each genre")


def _upload(files: Mapping[str, Content], target: Target) -> Pushed:
    """Create what is missing, then commit once: `upload_folder` may spread a folder over several commits."""
    api = HfApi()
    api.create_repo(target.repo, private=target.private, exist_ok=True)
    if target.private and not api.repo_info(target.repo).private:
        raise HubError(f"{target.repo} is public already: make it private on its page first.")
    if target.revision not in {None, MAIN} and not target.create_pr:
        api.create_branch(target.repo, branch=str(target.revision), exist_ok=True)
    before = api.repo_info(target.repo, revision=target.revision).sha
    present = api.list_repo_files(target.repo, revision=before)
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        *(CommitOperationAdd(path, content) for path, content in files.items()),
        *(CommitOperationDelete(path) for path in present if _is_ours(path) and path not in files),
    ]
    commit = api.create_commit(
        target.repo,
        operations,
        commit_message="Models, their cards and what was measured of them",
        revision=target.revision,
        create_pr=target.create_pr,
    )
    return Pushed(commit.oid, commit.commit_url, commit.pr_url, is_new=commit.oid != before)


def _is_ours(path: str) -> bool:
    """Whether a push put this file there, or its like."""
    folders = {*MODEL_FOLDERS, METRICS_FOLDER}
    return path in {COMBINATION_FILE, PICTURE} or path.split("/", maxsplit=1)[0] in folders


def _explain(error: Exception, target: Target) -> str:
    match error:
        case HFValidationError():
            return f"{target.repo} is no name for a repository: write user/name."
        case RevisionNotFoundError():
            return f"{target.repo} on the Hub has no branch {target.revision}."
        case HfHubHTTPError() if error.response.status_code == 401:
            return "The Hub does not accept this token: make another one, or run `hf auth login` again."
        case HfHubHTTPError() if error.response.status_code == 403:
            return f"This token may not write to {target.repo}."
        case RepositoryNotFoundError():
            return f"There is no repository {target.repo} on the Hub that this token may see."
        case HfHubHTTPError():
            return f"The Hub answered {error.response.status_code} to the push to {target.repo}."
        case _:
            return f"{target.repo} could not be pushed to the Hub ({type(error).__name__})."
