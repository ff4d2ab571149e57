"""Generation with kept keys and values beside a full re-run of the model for every token.

`python -m tests.benchmarks.generation` takes an untrained model of the usual size on one thread, generates
turn by turn both ways, and prints milliseconds per token early and late; then it times the notes of a long
tune by the bundled melody model. The figures go to `assets/metrics/generation.json`.
"""

import json
import statistics
import time

import torch
from torch import Tensor

from genre_models.hub import load_melody
from genre_models.melody import Request, continue_tune, notes
from genre_models.seq2seq import EncoderDecoder, Sampling
from tests.benchmarks.beside import machine, write

VOCAB = 200
SOURCE_LENGTH = 128
TOKENS = 1_150
PLACES = {"token_110": range(90, 130), "token_1100": range(1_080, 1_120)}
NOTES = 512
NOTE_PLACES = {"note_50": range(40, 60), "note_500": range(490, 510)}
RUNS = 5


def cached_ms(
    model: EncoderDecoder, source: Tensor, sampling: Sampling
) -> tuple[list[float], Tensor, Tensor]:
    """Milliseconds of each token; the tokens and their probabilities, (TOKENS,) and (TOKENS, VOCAB)."""
    steps = model.generate(source, torch.ones(1, 1, dtype=torch.long), TOKENS, sampling)
    times, tokens, probabilities = [], [], []
    for _ in range(TOKENS):
        start = time.perf_counter()
        step = next(steps)
        times.append(1e3 * (time.perf_counter() - start))
        tokens.append(step.tokens)
        probabilities.append(step.probabilities[0])
    return times, torch.cat(tokens), torch.stack(probabilities)


def rerun_ms(model: EncoderDecoder, source: Tensor, target: Tensor, sampling: Sampling) -> dict[str, float]:
    """Milliseconds of each token in the middle of the two places, reading source and target (1, t) anew."""
    (generator,) = sampling.generators(1)
    times = {}
    for name, places in PLACES.items():
        length = places[len(places) // 2]
        start = time.perf_counter()
        with torch.inference_mode():
            logits = model(source, target[:, :length])[:, -1].double()
            torch.multinomial(sampling.distribution(logits), 1, generator=generator)
        times[name] = 1e3 * (time.perf_counter() - start)
    return times


def largest_difference(model: EncoderDecoder, source: Tensor, target: Tensor, cached: Tensor) -> float:
    """Between the probabilities of the steps and those of one pass over all tokens."""
    with torch.inference_mode():
        logits = model(source, target)[0].double()  # (TOKENS, VOCAB)
        logits[:, model.pad] = -torch.inf
    return float((logits.softmax(dim=-1) - cached).abs().max())


def notes_ms() -> dict[str, float]:
    """Milliseconds of a note early and late in a tune of the bundled model, medians over all runs."""
    model = load_melody()
    if model is None:
        raise SystemExit("There are no weights in assets/weights/melody: train some with train.py melody.")
    request = Request(notes.parse(notes.EXAMPLE), NOTES, stop=False)
    times: dict[str, list[float]] = {name: [] for name in NOTE_PLACES}
    for _ in range(RUNS):
        tune, taken = continue_tune(model, request), []
        for _ in range(NOTES):
            start = time.perf_counter()
            next(tune)
            taken.append(1e3 * (time.perf_counter() - start))
        for name, places in NOTE_PLACES.items():
            times[name] += [taken[i] for i in places]
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Measure, print and keep."""
    ran_on = machine(threads=1, runs=RUNS)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = EncoderDecoder(VOCAB, VOCAB).eval()
    source, sampling = torch.randint(1, VOCAB, (1, SOURCE_LENGTH)), Sampling(top_k=20, top_p=0.95)
    cached_ms(model, source, sampling)  # a warm-up
    runs, reruns = [], []
    for _ in range(RUNS):
        times, tokens, probabilities = cached_ms(model, source, sampling)
        target = torch.cat([torch.ones(1, dtype=torch.long), tokens[:-1]])[None]  # (1, TOKENS)
        runs.append(times)
        reruns.append(rerun_ms(model, source, target, sampling))
    cached = {name: statistics.median(run[i] for run in runs for i in PLACES[name]) for name in PLACES}
    tune = notes_ms()
    content = {
        "machine": ran_on,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokens_per_second": round(TOKENS / statistics.median(sum(run) / 1e3 for run in runs)),
        "cached_ms": {name: round(value, 3) for name, value in cached.items()},
        "late_over_early": round(cached["token_1100"] / cached["token_110"], 3),
        "tune_ms": {name: round(value, 2) for name, value in tune.items()},
        "note_500_over_note_50": round(tune["note_500"] / tune["note_50"], 3),
        "full_rerun_ms": {name: round(statistics.median(run[name] for run in reruns), 2) for name in PLACES},
        "largest_difference": largest_difference(model, source, target, probabilities),
    }
    print(json.dumps(content, indent=1))
    write("generation", content)


if __name__ == "__main__":
    main()
