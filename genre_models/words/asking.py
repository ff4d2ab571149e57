"""What a person typed, as a model has it, or a sentence on why it cannot be read."""

from collections.abc import Sequence

from genre_models.words.vocabulary import Cut, Vocabulary, plain_words, tidy

MOST_PIECES = 64
"""Of a source and of a target, as long as the longest that the models are trained on."""
MOST_CHARACTERS = 4_000
MOST_NAMED = 5
"""Unknown words that a warning names."""


class WordsError(ValueError):
    """Text that a model cannot read; the message is a sentence for a person."""


def read(vocabulary: Vocabulary, text: str) -> list[int]:
    """The ids of a text as a model has it. Raises `WordsError` for one that is empty, endless or no text."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise WordsError("This is not text: it has half a character in it.") from error
    if len(text) > MOST_CHARACTERS:
        raise WordsError(
            f"This text has {len(text):,} characters; {MOST_CHARACTERS:,} is the most: shorten it."
        )
    known = tidy(text)
    if not known:
        raise WordsError("There is nothing to read: type a few words of English.")
    if not any(letter.isalnum() for letter in known):
        raise WordsError("There are no words in this: type a few words of English.")
    return vocabulary.encode(known)


def unseen(cut: Cut, seen: frozenset[str]) -> list[str]:
    """The words of a text that no training text had, in small letters, each once; none if `seen` is empty."""
    return [word for word in dict.fromkeys(plain_words(cut.text)) if seen and word not in seen]


def warnings(cut: Cut, seen: frozenset[str]) -> list[str]:
    """A sentence on words that the model was never trained on, if there are any."""
    words = [f"“{word}”" for word in unseen(cut, seen)]
    if not words:
        return []
    named = _listed([*words[:MOST_NAMED], *(["others"] if len(words) > MOST_NAMED else [])])
    were, their = ("was", "its") if len(words) == 1 else ("were", "their")
    return [f"{named} {were} in no training text: the model guesses by {their} pieces."]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
