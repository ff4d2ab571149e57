"""`python -m genre_models`: the app's two answers on the command line."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from genre_models import several
from genre_models.classifiers import ARCHITECTURES
from genre_models.hub import MELODY_FOLDER, WeightsError, load_ensemble, load_melody, locate
from genre_models.melody import score
from genre_models.melody.tunes import Composition, Wish, load_repertoire
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.sampling import HOTTEST

UNREAD = 1
WRONG_INPUT = 2
INTERRUPTED = 130
_WISH = Wish("")


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models",
        default=os.environ.get("GENRE_MODELS") or str(BUNDLED_WEIGHTS),
        metavar="DIR|USER/NAME[@REVISION]",
        help="the weights (default: $GENRE_MODELS, else the bundled ones)",
    )


def _add_classify(parser: argparse.ArgumentParser) -> None:
    _add_models(parser)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a sound file")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=list(ARCHITECTURES),
        metavar="MODEL",
        help=f"which models answer, after the files: {', '.join(ARCHITECTURES)} (default: all)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one report a line, as the HTTP API's /classify")
    form.add_argument("--csv", action="store_true", help="one row a file")


def _add_generate(parser: argparse.ArgumentParser) -> None:
    _add_models(parser)
    add = parser.add_argument
    add("notes", help='such as "A5 E5 C#5:1/4 R:1/8"; lengths in whole notes, an eighth by default')
    add("--length", type=int, default=_WISH.length, help="notes to add (default: %(default)s)")
    add("--temperature", type=float, default=_WISH.temperature, help=f"0 to {HOTTEST} (default: %(default)s)")
    add("--top-k", type=int, default=_WISH.top_k, help="draw from the k likeliest; 0 from all (default: 0)")
    add("--top-p", type=float, default=_WISH.top_p, help="draw from this much (default: %(default)s)")
    add("--seed", type=int, help="the same seed gives the same tune (default: a random one)")
    add("--key", default="", help='such as "D major" (default: left to the notes)')
    add("--metre", default=_WISH.metre, help="(default: %(default)s)")
    add("--stop", action="store_true", help="let the model end the tune by itself")
    add("--json", action="store_true", help="as the HTTP API's /generate")
    add("--midi", type=Path, metavar="FILE", help="write the tune as MIDI too")


def build_parser() -> argparse.ArgumentParser:
    """Both commands with their flags."""
    parser = argparse.ArgumentParser(prog="python -m genre_models", description="Ask the models.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, add_arguments, what in (
        ("classify", _add_classify, "name the genre of sound files"),
        ("generate", _add_generate, "carry a few notes on as a tune"),
    ):
        add_arguments(commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}."))
    return parser


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stdout)


def _complain(sentence: str) -> None:
    tqdm.write(f"genre_models: {sentence}", file=sys.stderr)


def _classify(arguments: argparse.Namespace) -> int:
    ensemble = load_ensemble(locate(arguments.models).folder)
    models = [name for name in ensemble.models if arguments.only is None or name in arguments.only]
    if not models:
        raise WeightsError(f"There is no {' or '.join(arguments.only)} in {arguments.models}.")
    answers = []
    for one in tqdm(
        several.answer(arguments.files, ensemble, models),
        total=len(arguments.files),
        unit="file",
        disable=len(arguments.files) == 1 or None,
    ):
        answers.append(one)
        if one.problem:
            _complain(f"{one.path}: {one.problem}")
        elif one.report and arguments.json:
            _say(json.dumps({"file": str(one.path), **one.report.to_dict()}, allow_nan=False))
        elif one.report and not arguments.csv:
            _say(f"{one.path}: {one.report.verdict.sentence}")
    if arguments.csv:
        _say(several.to_csv(answers, models).decode().rstrip("\n"))
    return UNREAD if any(one.problem for one in answers) else 0


def _generate(arguments: argparse.Namespace) -> int:
    folder = locate(arguments.models).folder
    model = load_melody(folder)
    if model is None:
        raise WeightsError(f"There is no melody model in {arguments.models}.")
    asked = {name: getattr(arguments, name) for name in Wish.__dataclass_fields__}
    composition = Composition(Wish(**asked).request())
    for _ in composition.batches(model):
        pass
    answer = composition.answer(load_repertoire(folder / MELODY_FOLDER))
    if arguments.json:
        _say(json.dumps(answer))
    else:
        _say(answer["notes"])
        for warning in answer["warnings"]:
            _complain(warning)
    if arguments.midi:
        arguments.midi.write_bytes(score.midi(composition.tune))
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {"classify": _classify, "generate": _generate}


def main() -> None:
    """Run one command; exit status 1 where a file could not be read, 2 for wrong input."""
    arguments = build_parser().parse_args()
    try:
        sys.exit(COMMANDS[arguments.command](arguments))
    except (ValueError, OSError) as error:
        _complain(str(error))
        sys.exit(WRONG_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
