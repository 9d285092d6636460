"""Words of a text as they are searched and compared: folded, with their places. Pure.

Case, accents of letters that carry them loosely (Latin, Greek, Hebrew, Arabic: é is e) and
compatibility forms go; marks that make another letter (й, が, the vowels of Devanagari) stay.
Characters of scripts that are written without spaces (Han, Kana) are words of their own. Roman
numerals from II to IX are numbers, so that "Rocky 2" is "Rocky II".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

WORD_CHARACTERS_MAX: Final = 40

_LOOSE_MARKS: Final = ((0x41, 0x24F), (0x370, 0x3FF), (0x590, 0x6FF), (0x1E00, 0x1FFF))
"""Code points, last included, whose letters are found without their marks."""
_SPELLED: Final = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ё": "е"}
)
_NUMERALS: Final = {
    numeral: str(number) for number, numeral in enumerate(("ii", "iii", "iv"), 2)
} | {"vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_MARKS: Final = "".join(
    chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M"
)
_ALONE: Final = (
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_LETTER: Final = rf"(?:(?![{_ALONE}])[^\W_]|[{_MARKS}])"
_WORD: Final = re.compile(rf"[{_ALONE}][{_MARKS}]*|{_LETTER}+(?:['’ʼ]{_LETTER}+)*")
_WORD_ASCII: Final = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*", re.IGNORECASE)
_PLAIN_ASCII: Final = re.compile(r"[a-z0-9]+")
_APOSTROPHES: Final = str.maketrans("", "", "'’ʼ")


@dataclass(frozen=True, slots=True)
class Word:
    """A folded word and the half-open interval of characters it was made of."""

    text: str
    start: int
    stop: int


def fold(text: str) -> str:
    """Text as it is compared; folding twice changes nothing more."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold()).casefold()
    kept: list[str] = []
    base = ""
    for character in decomposed:
        if not unicodedata.category(character).startswith("M"):
            base = character
        elif _is_loose(base):
            continue
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept)).translate(_SPELLED)


def words_of(text: str) -> list[Word]:
    """The words in their order."""
    pattern = _WORD_ASCII if text.isascii() else _WORD
    return [
        Word(folded, match.start(), match.end())
        for match in pattern.finditer(text)
        if (folded := _fold_word(match.group()))
    ]


def plain_words(text: str) -> list[str]:
    """The same without their places, faster: an index is made of nothing else."""
    if text.isascii():
        found = _PLAIN_ASCII.findall(text.lower().replace("'", ""))
        return [_NUMERALS.get(word, word)[:WORD_CHARACTERS_MAX] for word in found]
    return [folded for word in _WORD.findall(text) if (folded := _fold_word(word))]


def slug(text: str) -> str:
    """A name for paths: folded words joined by '-'; empty when there is no word in it."""
    return "-".join(plain_words(text))


def _fold_word(text: str) -> str:
    folded = fold(text.translate(_APOSTROPHES))[:WORD_CHARACTERS_MAX]
    return _NUMERALS.get(folded, folded)


def _is_loose(base: str) -> bool:
    return bool(base) and any(first <= ord(base) <= last for first, last in _LOOSE_MARKS)
