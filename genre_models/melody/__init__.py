"""Music on top of the encoder-decoder Transformer: notes, tunes, scores and sound."""

from genre_models.melody import notes
from genre_models.melody.compose import Continuation, Request, continue_tune, continue_tunes
from genre_models.melody.model import MelodyTransformer

__all__ = ["Continuation", "MelodyTransformer", "Request", "continue_tune", "continue_tunes", "notes"]
