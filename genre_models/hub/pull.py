"""Models by the name of their folder, or by that of their repository on the Hugging Face Hub."""

import re
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.constants import ENDPOINT

from genre_models.hub.errors import explain
from genre_models.hub.loading import COMBINATION_FILE, MODEL_FOLDERS, WeightsError, refuse_pickles
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.weights import WEIGHTS_FILE
from genre_models.words.model import SEEN_FILE, VOCABULARY_FILE

METRICS_FOLDER = "metrics"
"""Where what was measured of the models lies below a folder of them."""

SHORT_COMMIT = 7
_ON_THE_HUB = re.compile(r"(?P<repo>\w[\w.-]*/\w[\w.-]*)(?:@(?P<revision>\S+))?")
MODEL_FILES = (WEIGHTS_FILE, "config.json", "metrics.json", VOCABULARY_FILE, SEEN_FILE)
"""What a model's folder may hold that it is loaded from, or that the app speaks of."""
_WANTED = [
    COMBINATION_FILE,
    f"{METRICS_FOLDER}/*.json",
    *(f"{name}/{file}" for name in MODEL_FOLDERS for file in MODEL_FILES),
]


@dataclass(frozen=True)
class Source:
    """A folder of models, and where on the Hub it comes from: `repo` and `commit` are None for a local one.

    `revision` is the branch, tag or commit that was asked for; None stands for the main branch.
    """

    folder: Path
    repo: str | None = None
    revision: str | None = None
    commit: str | None = None

    @property
    def is_bundled(self) -> bool:
        """Whether these are the models that come with the app."""
        return self.folder.resolve() == BUNDLED_WEIGHTS

    @property
    def metrics(self) -> Path:
        """Where what was measured of these models lies, if anything was."""
        return self.folder.parent / METRICS_FOLDER if self.is_bundled else self.folder / METRICS_FOLDER

    @property
    def name(self) -> str:
        """What to call it: the folder, or "user/name@commit" with a short commit."""
        return str(self.folder) if self.repo is None else f"{self.repo}@{self.short_commit}"

    @property
    def url(self) -> str:
        """The page on the Hub that shows this very commit; empty for a local folder."""
        return "" if self.repo is None else f"{ENDPOINT}/{self.repo}/tree/{self.commit}"

    @property
    def short_commit(self) -> str:
        """As much of the commit as people write; empty for a local folder."""
        return (self.commit or "")[:SHORT_COMMIT]


BUNDLED = Source(BUNDLED_WEIGHTS)


def locate(models: str) -> Source:
    """A folder as it is; "user/name[@branch, tag or commit]" as it is in the Hub's cache once it is there.

    HF_HOME, HF_HUB_OFFLINE, HF_ENDPOINT and HF_TOKEN are huggingface_hub's own. What the cache holds is used
    where the Hub does not answer. Raises `WeightsError`, whose message never holds a token.
    """
    if Path(models).is_dir():
        return Source(Path(models))
    named = _ON_THE_HUB.fullmatch(models)
    if named is None:
        raise WeightsError(f"There is no folder {models}, and a repository is written user/name@revision.")
    repo, revision = named["repo"], named["revision"]
    try:
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=_WANTED))
    except Exception as error:  # whatever the Hub is up to, the app has to say it and start
        missing = f"There is no folder {repo}, and no repository {repo} on the Hub that you may read."
        raise WeightsError(explain(error, repo, revision, missing)) from error
    source = Source(folder, repo, revision, commit=folder.name)
    _look_for_pickles(source)
    return source


def _look_for_pickles(source: Source) -> None:
    """Say so where a model lies there as a pickle only, which was not fetched."""
    missing = [name for name in MODEL_FOLDERS if not (source.folder / name / WEIGHTS_FILE).is_file()]
    if not missing or source.repo is None:
        return
    try:
        listed = HfApi().model_info(source.repo, revision=source.commit).siblings or []
    except Exception:  # whatever kept the Hub from answering: the cache has answered without it
        return
    files = [Path(file.rfilename) for file in listed]
    for name in missing:
        refuse_pickles(Path(source.name, name), [file.name for file in files if file.parent == Path(name)])
