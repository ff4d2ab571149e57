"""What `train.py push` writes on the cards: results for the Hub's model index, and facts for the texts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from genre_models.classifiers import GENRES, GenreClassifier, MusiCNNClassifier, layer_sizes
from genre_models.hub import (
    COMBINATION_FILE,
    DETECTOR_FOLDER,
    MELODY_FOLDER,
    TEXT_FOLDER,
    TRANSLATION_FOLDER,
    WeightsError,
)
from genre_models.melody import MelodyTransformer
from genre_models.metrics import Accuracy
from genre_models.metrics_check import EVALUATION, read_measured
from genre_models.sound import SoundDetector
from genre_models.training.tables import conditions_table, table
from genre_models.weights import StrictWeights
from genre_models.words import TextTransformer, TranslationTransformer, WordsTransformer

HEADLINE_SPLIT = "artist"
SOUND_FILE = "sound.json"
VERDICT = Path(COMBINATION_FILE).stem
WORDS_FACTS = ("data", "split", "test")
REPO_TEMPLATE = Path(__file__).parent / "repo_card.md"

Metrics = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where on the Hub the models go: "user/name", and a branch other than main."""

    repo: str
    revision: str | None = None

    @property
    def name(self) -> str:
        """As `app.py --models` takes it."""
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"


@dataclass(frozen=True)
class Evidence:
    """What was measured: of the classifiers, of the detector, and in each model's training; may be empty."""

    evaluation: Metrics = field(default_factory=dict)
    sound: Metrics = field(default_factory=dict)
    trainings: Mapping[str, Metrics] = field(default_factory=dict)

    @property
    def systems(self) -> Metrics:
        """Each system's result on artists never heard, by name."""
        return self.evaluation.get("splits", {}).get(HEADLINE_SPLIT, {})

    @property
    def conditions(self) -> Metrics:
        """Accuracy by recording condition, as far as it was measured."""
        conditions = self.evaluation.get("conditions", {})
        return conditions if "systems" in conditions else {"order": [], "titles": {}, "systems": {}}


def read_evidence(metrics: Path, models: Path, names: list[str]) -> Evidence:
    """The metrics files in `metrics`, and those that the trainings left in each model's folder.

    Raises `MetricsError` for an evaluation that is none, `WeightsError` for one of other recordings than a
    classifier among `names` was trained on.
    """
    read_measured(metrics)
    trainings = {path.parent.name: _read(path) for path in models.glob("*/metrics.json")}
    evidence = Evidence(_read(metrics / EVALUATION), _read(metrics / SOUND_FILE), trainings)
    for name in names:
        measured, trained = evidence.evaluation.get("data"), trainings.get(name, {}).get("data")
        if name in evidence.systems and measured != trained:
            raise WeightsError(
                f"{metrics / EVALUATION} is of other recordings than {name} was trained on: "
                "give the metrics of these weights with --metrics."
            )
    return evidence


def _read(file: Path) -> Metrics:
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(f"{file} is no JSON.") from error
    return content if isinstance(content, dict) else {}


def model_card(folder: str, model: StrictWeights, evidence: Evidence, place: Place) -> ModelCard:
    """The card of the model in a folder of the repository, its figures those of the metrics files alone."""
    where = {"repo": place.repo, "revision": place.revision, "subfolder": folder}
    results, facts = _results_and_facts(folder, model, evidence)
    data = {"model_name": folder, "eval_results": results} if results else {"model_name": folder}
    return model.generate_model_card(card_data=data, **where, **facts)


def _results_and_facts(
    folder: str, model: StrictWeights, evidence: Evidence
) -> tuple[list[EvalResult], dict[str, Any]]:
    training = evidence.trainings.get(folder, {})
    match model:
        case GenreClassifier():
            return genre_results(folder, evidence), _genre_facts(model, training, evidence)
        case MelodyTransformer():
            return _melody_results(training), {key: training.get(key) for key in ("perplexity", "tunes")}
        case TranslationTransformer() | TextTransformer():
            return _words_results(model, training), {key: training.get(key) for key in WORDS_FACTS}
        case SoundDetector():
            facts = {"both": evidence.sound.get("both"), "data": evidence.sound.get("data")}
            return _sound_results(evidence.sound), facts
    raise TypeError(f"there is no card for {type(model).__name__}")


def _genre_facts(model: GenreClassifier, training: Metrics, evidence: Evidence) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "layers": layer_sizes(model),
        "data": training.get("data"),
        "soft_labels": training.get("recipe", {}).get("soft_labels", False),
        "pretrained": training.get("recipe", {}).get("pretrained", False),
    }
    if model.name in evidence.systems:
        result, conditions = evidence.systems[model.name], evidence.conditions
        shares = conditions["systems"].get(model.name, {})
        facts["measured"] = Accuracy(result["balanced_accuracy"], *result["interval"])
        facts["conditions"] = [(conditions["titles"][name], shares[name]) for name in shares]
    return facts


def genre_results(system: str, evidence: Evidence) -> list[EvalResult]:
    """The headline measure of a system and its accuracy under each recording condition, for the Hub."""
    if system not in evidence.systems:
        return []
    shares = dict(evidence.conditions["systems"].get(system, {}))
    shares.setdefault("clean", evidence.systems[system]["balanced_accuracy"])
    titles = evidence.conditions["titles"]
    return [_genre_result(name, titles.get(name, name), share, evidence) for name, share in shares.items()]


def _genre_result(condition: str, title: str, share: float, evidence: Evidence) -> EvalResult:
    counts = evidence.evaluation.get("data", {})
    recordings = f"{counts.get('tracks')} tracks by {counts.get('artists')} artists in the layout of GTZAN"
    return EvalResult(
        task_type="audio-classification",
        task_name="Music genre, one of ten",
        dataset_type="audiofolder",
        dataset_name=f"{recordings} ({title})",
        dataset_config=condition,
        dataset_split="three folds by artist, three shuffles",
        metric_type="recall",
        metric_name="Balanced accuracy on artists never heard",
        metric_value=share,
        metric_args={"average": "macro"},
    )


def _melody_results(training: Metrics) -> list[EvalResult]:
    perplexity = training.get("perplexity", {}).get("transformer")
    if perplexity is None:
        return []
    return [
        EvalResult(
            task_type="other",
            task_name="Carrying a melody on",
            dataset_type="other",
            dataset_name="Tunes never heard, of books in the public domain",
            dataset_split="test",
            metric_type="perplexity",
            metric_name="Perplexity per note",
            metric_value=perplexity["note"],
        )
    ]


def _words_results(model: WordsTransformer, training: Metrics) -> list[EvalResult]:
    if "test" not in training:
        return []
    test = training["test"]
    measured = (
        [
            ("translation", "chrf", "chrF", test["systems"]["beam search"]["chrF"]["score"]),
            ("translation", "bleu", "BLEU", test["systems"]["beam search"]["BLEU"]["score"]),
        ]
        if isinstance(model, TranslationTransformer)
        else [
            (
                "text-generation",
                "perplexity",
                "Perplexity per word",
                test["systems"]["transformer"]["word"]["perplexity"],
            )
        ]
    )
    return [
        EvalResult(
            task_type=task,
            task_name="Translation" if task == "translation" else "Carrying prose on",
            dataset_type="other",
            dataset_name="Phrases or passages never seen",
            dataset_split="test",
            metric_type=metric,
            metric_name=name,
            metric_value=value,
        )
        for task, metric, name, value in measured
    ]


def _sound_results(sound: Metrics) -> list[EvalResult]:
    if "both" not in sound:
        return []
    rows = (
        ("Generated sounds", "hits on generators never heard", "all", "recall", "Called not music"),
        ("Music", "false alarms on unseen artists", "clean", "false_positive_rate", "Called not music"),
    )
    return [
        EvalResult(
            task_type="audio-classification",
            task_name="Music or not",
            dataset_type="audiofolder",
            dataset_name=f"{dataset}, {sound['both'][table][row]['sounds']} never heard",
            metric_type=metric,
            metric_name=name,
            metric_value=sound["both"][table][row]["share"],
        )
        for dataset, table, row, metric, name in rows
    ]


def repo_card(models: Mapping[str, StrictWeights], evidence: Evidence, place: Place) -> ModelCard:
    """The card at the head of the repository."""
    classifiers = [name for name, model in models.items() if isinstance(model, GenreClassifier)]
    results = genre_results(VERDICT, evidence)
    data = ModelCardData(
        license="other" if MusiCNNClassifier.name in classifiers else "mit",
        license_name="mit-and-isc" if MusiCNNClassifier.name in classifiers else None,
        license_link="LICENSE" if MusiCNNClassifier.name in classifiers else None,
        library_name="genre-models",
        pipeline_tag="audio-classification",
        tags=["gtzan", "model_hub_mixin", "music", "pytorch_model_hub_mixin"],
        model_name=place.repo.split("/")[-1],
        eval_results=results or None,
    )
    return ModelCard.from_template(
        data,
        template_str=REPO_TEMPLATE.read_text(encoding="utf-8"),
        repo=place.repo,
        place=place.name,
        genres=GENRES,
        classifiers=classifiers,
        detector=DETECTOR_FOLDER in models,
        melody=MELODY_FOLDER in models,
        translation=TRANSLATION_FOLDER in models,
        text=TEXT_FOLDER in models,
        models=[_row(folder, model) for folder, model in models.items()],
        data=evidence.evaluation.get("data"),
        table=table(evidence.evaluation) if results else None,
        conditions_table=conditions_table(evidence.evaluation) if evidence.conditions["order"] else None,
        confusion="confusion" in evidence.systems.get(VERDICT, {}),
    )


def _row(folder: str, model: StrictWeights) -> dict[str, Any]:
    titles = {
        DETECTOR_FOLDER: "Music or not",
        MELODY_FOLDER: "Melody Transformer",
        TRANSLATION_FOLDER: "Translation Transformer",
        TEXT_FOLDER: "Text Transformer",
    }
    facts = model.card_facts()
    parameters = facts.get("parameters", 0)
    return {"folder": folder, "title": facts.get("title", titles.get(folder)), "parameters": parameters}
