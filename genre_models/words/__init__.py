"""Words on top of the encoder-decoder Transformer: translation, and prose carried on."""

from genre_models.words.asking import WordsError
from genre_models.words.continue_text import Continuation, NextPiece, continue_text
from genre_models.words.model import TextTransformer, TranslationTransformer, WordsTransformer
from genre_models.words.translate import Candidate, Doubt, Translation, translate
from genre_models.words.vocabulary import Cut, Vocabulary, VocabularyError, Word

__all__ = [
    "Candidate",
    "Continuation",
    "Cut",
    "Doubt",
    "NextPiece",
    "TextTransformer",
    "Translation",
    "TranslationTransformer",
    "Vocabulary",
    "VocabularyError",
    "Word",
    "WordsError",
    "WordsTransformer",
    "continue_text",
    "translate",
]
