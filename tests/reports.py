"""Reports made of random answers, for the tests of what is done with a report."""

import torch

from genre_models.classifiers import ARCHITECTURES, GENRES
from genre_models.classify import ModelAnswer, Report, assemble
from genre_models.hub import Ensemble
from genre_models.musicnn import TAGS
from genre_models.sound import Sound

ENSEMBLE = Ensemble({})
MUSIC = Sound("music", None, ())
SPEECH = Sound("speech", 0.04, ("It pauses 3 times a second – as speech does.", "No pitch lasts."))


def make_report(segments: int, sound: Sound = MUSIC, is_unlike: bool = False) -> Report:
    generator = torch.Generator().manual_seed(3)
    answers = {
        name: (3 * torch.randn(segments, 10, generator=generator)).softmax(dim=-1) for name in ARCHITECTURES
    }
    models = [
        ModelAnswer(
            name=name,
            genre=GENRES[int(answer.mean(dim=0).argmax())],
            probabilities=dict(zip(GENRES, answer.mean(dim=0).tolist(), strict=True)),
            timeline=answer.tolist(),
            milliseconds=4.2,
            tags=dict(zip(TAGS, torch.rand(50, generator=generator).tolist(), strict=True))
            if name == "musicnn"
            else None,
        )
        for name, answer in answers.items()
    ]
    starts = [6.0 * i for i in range(segments)]
    return assemble(6.0 * segments, starts, sound, models, ENSEMBLE, [], 20.0, is_unlike)
