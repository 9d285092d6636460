"""What a player does with its evening: which film, from where, for how long. Pure; chance is given.

Shares as the services report them: half of the sessions only browse, a quarter leaves anywhere, a
quarter sees the end; some begin in the middle, some seek. Films are liked as ranks of a list.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

_BROWSE_SHARE: Final = 0.45
_LEAVE_SHARE: Final = 0.3
_BROWSED_PIECES: Final = 5.0
_MIDDLE_SHARE: Final = 0.15
_SEEK_SHARE: Final = 0.12
_SKEW: Final = 0.8
"""Weight of a rank is 1 / rank to this power."""


@dataclass(frozen=True, slots=True)
class Film:
    """A film: its number, its path at router and edges, and how many pieces it has."""

    number: int
    path: str
    pieces: int


class Programme:
    """The films there are, the best liked first."""

    def __init__(self, films: Sequence[Film]) -> None:
        self._films = films
        self._until = list(accumulate((1 + rank) ** -_SKEW for rank in range(len(films))))

    def pick(self, chance: random.Random) -> Film:
        """The next film of somebody."""
        return chance.choices(self._films, cum_weights=self._until)[0]


def pieces_of_session(film: Film, chance: random.Random) -> Iterator[int]:
    """The pieces one viewer takes of one film, in order; at least one, each in [0, pieces)."""
    at = chance.randrange(film.pieces) if chance.random() < _MIDDLE_SHARE else 0
    left = _length(film, chance)
    seek_at = chance.randrange(1, left + 1) if chance.random() < _SEEK_SHARE else 0
    while left and at < film.pieces:
        yield at
        left -= 1
        at = chance.randrange(film.pieces) if left == seek_at else at + 1


def _length(film: Film, chance: random.Random) -> int:
    kind = chance.random()
    if kind < _BROWSE_SHARE:
        return min(film.pieces, 1 + int(chance.expovariate(1 / _BROWSED_PIECES)))
    if kind < _BROWSE_SHARE + _LEAVE_SHARE:
        return chance.randint(1, film.pieces)
    return film.pieces
