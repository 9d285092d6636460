"""What is understood of a query, how far a word may be from what was meant, what a match weighs.

    word of the query in …    as it is   beginning   1 letter off   2 letters off
    title, original title     10         7           6              4
    two words of it as one    9          6.5         5.5            -
    people                    4          3           2.4            1.5
    overview                  1          -           -              -

The best match of each word counts, so a title always outweighs people and these the overview. The
whole query as a whole title adds to that. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from origin.catalog.films import YEARS
from origin.catalog.words import Word, words_of

QUERY_CHARACTERS_MAX: Final = 200
WORDS_MAX: Final = 12
WHOLE_CHARACTERS_MAX: Final = 60
"""Longer titles are found by their words alone."""

BROAD_CHARACTERS: Final = 3
DISTANCE_MAX: Final = 2
GOOD_HITS: Final = 5
"""So many films that have all words in titles or people, and no misspelling is thought of."""

POPULARITY_SHARE: Final = 0.5
"""How much the most popular film gains over an equal match that nobody watches."""

STOP_WORDS: Final = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with")
)
"""Not asked of a film when there are other words: people leave them out, or put others in."""

_BREVITY_MIN: Final = 0.64
_WHOLE_SHARE: Final = 0.75
_YEAR: Final = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Weights:
    """What one kind of field adds to a film's score, by how well a word matches."""

    exact: float
    prefix: float
    near: tuple[float, ...]
    """By distance, from 1 on."""


TITLE: Final = Weights(10.0, 7.0, (6.0, 4.0))
PEOPLE: Final = Weights(4.0, 3.0, (2.4, 1.5))
OVERVIEW: Final = 1.0
WHOLE: Final = Weights(25.0, 10.0, (16.0, 11.0))
JOINED: Final = Weights(9.0, 6.5, (5.5,))


@dataclass(frozen=True, slots=True)
class AskedWord:
    """One word of a query; with `is_begun` it may go on, because it is still being typed."""

    text: str
    is_begun: bool
    distance: int

    @property
    def is_stop(self) -> bool:
        """Whether a film may lack it."""
        return self.text in STOP_WORDS

    @property
    def is_letter(self) -> bool:
        """Whether it is the first letter of a word still to come."""
        return self.is_begun and len(self.text) == 1 and self.text.isascii() and self.text.isalpha()

    @property
    def is_broad(self) -> bool:
        """Whether it says too little to look for it anywhere but in titles."""
        return self.is_stop or (len(self.text) < BROAD_CHARACTERS and self.text.isascii())

    @property
    def year(self) -> int | None:
        """The year it may mean."""
        is_year = _YEAR.fullmatch(self.text) and self.text.isascii() and int(self.text) in YEARS
        return int(self.text) if is_year else None


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that was understood: its words, and all of them as one text."""

    words: tuple[AskedWord, ...]

    @property
    def needed(self) -> tuple[AskedWord, ...]:
        """The words that a film must have: all, when none of them says enough."""
        telling = tuple(word for word in self.words if not word.is_stop and not word.is_letter)
        return telling or self.words

    @property
    def whole(self) -> str:
        """The words as a title would have them."""
        return " ".join(word.text for word in self.words)

    @property
    def is_begun(self) -> bool:
        """Whether the last word is still being typed."""
        return bool(self.words) and self.words[-1].is_begun


def read_query(text: str) -> Asked:
    """The words of a query; the last may go on unless something follows it."""
    text = text[:QUERY_CHARACTERS_MAX]
    found = words_of(text)[:WORDS_MAX]
    return Asked(tuple(_asked(word, word.stop == len(text)) for word in found))


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to take a query: how misspelt it may be, and how many words a film may lack."""

    asked: Asked
    missing_max: int = 0
    is_exact: bool = False

    def suffices(self, scores: Sequence[float]) -> bool:
        """Whether films found by it, the best first and at least one, are what was meant.

        Words as written are when one film has all of them as its title, or several have them in
        title and people; else a misspelt word may have met another film's.
        """
        needed = len(self.asked.needed)
        whole = _WHOLE_SHARE * (TITLE.exact * needed + WHOLE.exact)
        if not self.is_exact or scores[0] >= whole:
            return True
        return len(scores) >= GOOD_HITS and scores[GOOD_HITS - 1] >= PEOPLE.prefix * needed


def readings(asked: Asked) -> list[Reading]:
    """How to take a query, the strictest way first."""
    if not asked.words:
        return [Reading(asked)]
    exact, loose = (_respelt(asked, more) for more in (-DISTANCE_MAX, 1))
    ways = [Reading(exact, is_exact=True), Reading(asked), Reading(loose)]
    if len(asked.needed) > 1:
        ways.append(Reading(loose, missing_max=1))
    return ways


def _respelt(asked: Asked, more: int) -> Asked:
    """Each word so many letters further off."""
    words = (
        replace(word, distance=min(DISTANCE_MAX, max(0, word.distance + more)))
        if len(word.text) > 2 and not word.text.isdigit()
        else word
        for word in asked.words
    )
    return Asked(tuple(words))


def distance_of(word: str) -> int:
    """How many letters may differ: one from four on, two from eight on; none in numbers."""
    if word.isdigit():
        return 0
    return 0 if len(word) < 4 else 1 if len(word) < 8 else DISTANCE_MAX


def brevity(title_words: int) -> float:
    """A mild preference for short titles: each further word makes a match say less."""
    return max(_BREVITY_MIN, 1.0 / (1.0 + 0.04 * max(0, title_words - 1)))


def ranked(score: float, popularity: float) -> float:
    """A film's score, given how popular it is from 0 to 1."""
    return score * (1.0 + POPULARITY_SHARE * min(1.0, max(0.0, popularity)))


def _asked(word: Word, is_begun: bool) -> AskedWord:
    return AskedWord(word.text, is_begun, distance_of(word.text))
