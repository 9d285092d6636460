"""The part of a text that shows best why a film was found. Pure.

Marks are half-open intervals of characters (code points) in the part, never markup: what is shown
stays text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from origin.catalog.words import Word, words_of
from origin.domains.search.rules import Asked, AskedWord

SNIPPET_CHARACTERS_MAX: Final = 180
_BEFORE_CHARACTERS: Final = 40
_TEXT_CHARACTERS_MAX: Final = 4000
ELLIPSIS: Final = "…"


@dataclass(frozen=True, slots=True)
class Snippet:
    """Some text and the intervals of it that match."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


def cut_snippet(text: str, asked: Asked) -> Snippet:
    """The beginning of `text`, or the surroundings of most of the query's words in it."""
    text = " ".join(text[:_TEXT_CHARACTERS_MAX].split())
    wanted = [word for word in asked.words if not word.is_stop]
    hits = [word for word in words_of(text) if any(map(_matcher(word), wanted))]
    start = _begin(text, _densest(hits))
    stop = _end(text, start)
    before = ELLIPSIS if start else ""
    after = ELLIPSIS if stop < len(text) else ""
    shift = len(before) - start
    marks = tuple(
        (hit.start + shift, hit.stop + shift)
        for hit in hits
        if start <= hit.start < hit.stop <= stop
    )
    return Snippet(f"{before}{text[start:stop]}{after}", marks)


def _matcher(word: Word) -> Callable[[AskedWord], bool]:
    def matches(asked: AskedWord) -> bool:
        return word.text == asked.text or (asked.is_begun and word.text.startswith(asked.text))

    return matches


def _densest(hits: Sequence[Word]) -> int:
    """Where a window begins that holds the most different words."""
    best, best_count = 0, 0
    for number, first in enumerate(hits):
        within = {
            hit.text for hit in hits[number:] if hit.stop - first.start <= SNIPPET_CHARACTERS_MAX
        }
        if len(within) > best_count:
            best, best_count = first.start, len(within)
    return best


def _begin(text: str, wanted: int) -> int:
    """A place at a word's beginning, somewhat before the one wanted."""
    if wanted <= _BEFORE_CHARACTERS:
        return 0
    space = text.rfind(" ", 0, wanted - _BEFORE_CHARACTERS // 2)
    return space + 1 if wanted - space <= 2 * _BEFORE_CHARACTERS else wanted


def _end(text: str, start: int) -> int:
    """The last end of a word that still fits."""
    if len(text) - start <= SNIPPET_CHARACTERS_MAX:
        return len(text)
    stop = text.rfind(" ", start, start + SNIPPET_CHARACTERS_MAX)
    return stop if stop > start else start + SNIPPET_CHARACTERS_MAX
