"""Text <-> token ids: byte-level byte-pair encoding, so that no text is unknown (Sennrich et al. 2016)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

PAD, START, END = 0, 1, 2
SPECIAL = ("<pad>", "<start>", "<end>")
BYTES = 256
"""The smallest pieces: with them any text can be written."""
HALF_A_LETTER = "\ufffd"
SMALLEST = BYTES + len(SPECIAL)

BETWEEN = re.compile(r"[\s\"/—]+|--+")
AROUND = re.compile(r"^[^\w{}]+|[^\w{}]+$")
STRAIGHT = str.maketrans(
    {
        **dict.fromkeys("’‘", "'"),
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("\xa0\u202f", " "),
        **{"…": "...", "–": "-"},
    }
)
GUILLEMETS = re.compile(r"«\s*|\s*»")


class VocabularyError(ValueError):
    """A vocabulary that cannot be learned or read; the message is a sentence for a person."""


@dataclass(frozen=True)
class Word:
    """What stands between spaces, and its pieces: those from number `first` up to `last`, exclusive."""

    text: str
    first: int
    last: int


@dataclass(frozen=True)
class Cut:
    """A text as a model has it: `ids`, what each of them stands for in letters, and the words they make.

    `pieces` make up the text. Where a letter is made of several tokens, it stands with the last of them.
    """

    text: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    words: tuple[Word, ...]


class Vocabulary:
    """The pieces that a text is cut into, source and target alike. PAD, START and END are never in a text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.encode_special_tokens = True  # who types "<end>" means these five letters
        self._tokenizer = tokenizer

    @classmethod
    def learn(cls, texts: Iterable[str], size: int) -> Self:
        """From training texts: at most `size` ids, of which 259 are the special ones and the bytes."""
        if size < SMALLEST:
            raise VocabularyError(f"A vocabulary has at least {SMALLEST} entries, not {size}.")
        tokenizer = Tokenizer(BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = BpeTrainer(
            vocab_size=size, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
        )
        tokenizer.train_from_iterator(texts, trainer)
        return cls(tokenizer)

    @classmethod
    def load(cls, file: Path) -> Self:
        """From a tokenizer.json. Raises `VocabularyError` for one that is damaged or of another kind."""
        try:
            tokenizer = Tokenizer.from_str(file.read_text(encoding="utf-8"))
        except Exception as error:  # the library raises nothing more special
            raise VocabularyError(f"{file} holds no vocabulary.") from error
        if [tokenizer.token_to_id(token) for token in SPECIAL] != [PAD, START, END]:
            raise VocabularyError(f"{file} holds a vocabulary without {', '.join(SPECIAL)}.")
        return cls(tokenizer)

    def save(self, file: Path) -> None:
        """As tokenizer.json, which the tokenizers library reads everywhere."""
        file.write_text(self._tokenizer.to_str(), encoding="utf-8")

    def __len__(self) -> int:
        return self._tokenizer.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """The ids of a text, none of them special."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """As `encode`, of many texts."""
        return [one.ids for one in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; special ones stand for nothing, half a letter for a replacement character."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    @cached_property
    def between_words(self) -> NDArray[np.bool_]:
        """Which ids, (size,), may follow a word without going on within it; no special one may."""
        firsts = (self.decode([one])[:1] for one in range(len(self)))
        return np.array([first not in ("", HALF_A_LETTER) and not first.isalnum() for first in firsts])

    def cut(self, ids: Sequence[int]) -> Cut:
        """The pieces and words of ids without special ones."""
        known = [self.decode(ids[: i + 1]) for i in range(len(ids))]
        text = known[-1] if known else ""
        ends = [len(start.rstrip(HALF_A_LETTER)) for start in known[:-1]] + [len(text)] * bool(known)
        places = list(accumulate(ends, max, initial=0))
        pieces = tuple(text[start:end] for start, end in pairwise(places))
        return Cut(text, tuple(ids), pieces, _words(pieces))


def _words(pieces: Sequence[str]) -> tuple[Word, ...]:
    """All pieces, in words; spaces belong to the word after them, or to the last one."""
    firsts: list[int] = []
    for i, piece in enumerate(pieces):
        before = "".join(pieces[firsts[-1] : i]) if firsts else ""
        parted = piece[:1].isspace() or before[-1:].isspace()
        if not firsts or (parted and before.strip() and "".join(pieces[i:]).strip()):
            firsts.append(i)
    edges = [*firsts, len(pieces)]
    return tuple(Word("".join(pieces[a:b]).strip(), a, b) for a, b in pairwise(edges))


def tidy(text: str) -> str:
    """As the models know text: straight quotation marks and apostrophes, three dots, single spaces."""
    return " ".join(GUILLEMETS.sub('"', text).translate(STRAIGHT).split())


def plain(word: str) -> str:
    """A word as it is looked up: in small letters, without the marks around it."""
    return AROUND.sub("", word).casefold()


def plain_words(text: str) -> list[str]:
    """All words of a text as they are looked up, those parted by dashes too, without what is marks only."""
    return [known for word in BETWEEN.split(text) if (known := plain(word))]
