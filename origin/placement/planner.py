"""Which beginnings of which films each edge is to hold tomorrow. Pure; one input, one plan.

Films are cut into pieces of one size, and every piece counts whole against room and budgets, so
that one piece in the place of another is all that can happen. What is held stays; a newcomer takes
free room, or the place of the piece that is worth least there if it is worth more than that by
`churn_margin`. The swaps of all edges are made in the order of what they gain, because they share
what the origin may send in a night. Viewers leave films early, so a piece is never worth more than
the one before it, and what is held of a film is a beginning of it: bytes [0, stop).

With pieces of one size this order is the best there is: more budget never brings less, and no
plan is worth less than doing nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final

from cdnkit.errors import BadRequestError

EVERYWHERE_ALIKE: Final = (1.0,)


@dataclass(frozen=True, slots=True)
class Film:
    """What there is to place. Of every film the shares of its bytes watched are `curve`."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Spot:
    """An edge: room for films placed, what may come in a night, and what a byte from it saves.

    `gain` is relative to other edges: how dear the way is that a byte does not go.
    """

    name: str
    room_bytes: int
    night_bytes: int
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan depends on besides films and edges.

    `curve` says which share of what is watched of a film falls to each equal part of it.
    A piece comes only where each of its bytes is expected to be asked for `worth_min` times a day.
    """

    piece_bytes: int
    night_bytes: int | None = None
    """Of all edges together; None is no bound."""
    churn_margin: float = 0.25
    worth_min: float = 0.1
    curve: Sequence[float] = EVERYWHERE_ALIKE


class Reason(StrEnum):
    """Why a film is where it is, or is not any more."""

    KEPT = "kept"
    WANTED = "wanted"
    DISPLACED = "others are worth more"
    GONE = "no such film"
    NO_ROOM = "no room"


@dataclass(frozen=True, slots=True)
class Placed:
    """Bytes [0, stop_bytes) of a film are to be on an edge, where [0, held_bytes) are now.

    `expected_bytes` will be asked for of them in a day, `fetched_bytes` come, `dropped_bytes` go.
    """

    film: str
    stop_bytes: int
    held_bytes: int
    expected_bytes: int
    reason: Reason

    @property
    def fetched_bytes(self) -> int:
        """What has to come."""
        return max(0, self.stop_bytes - self.held_bytes)

    @property
    def dropped_bytes(self) -> int:
        """What goes."""
        return max(0, self.held_bytes - self.stop_bytes)


Plan = Mapping[str, Sequence[Placed]]
"""By edge; the films most is expected of first."""
Demand = Mapping[str, Mapping[str, float]]
"""Edge -> film -> bytes expected to be asked for in a day."""
Held = Mapping[str, Mapping[str, int]]
"""Edge -> film -> bytes of its beginning that are there."""


def plan(
    films: Sequence[Film], spots: Sequence[Spot], demand: Demand, held: Held, terms: Terms
) -> Plan:
    """What each edge is to hold. Raises BadRequestError for terms that mean nothing."""
    _check(terms)
    by_name = {film.name: film for film in films}
    shelves = [
        _Shelf(spot, by_name, demand.get(spot.name, {}), held.get(spot.name, {}), terms)
        for spot in sorted(spots, key=lambda spot: spot.name)
    ]
    left = None if terms.night_bytes is None else terms.night_bytes // terms.piece_bytes
    waiting = [(-gain, place) for place, each in enumerate(shelves) if (gain := each.gain()) > 0]
    heapify(waiting)
    while waiting and (left is None or left > 0):
        place = waiting[0][1]
        shelves[place].swap()
        left = None if left is None else left - 1
        gain = shelves[place].gain()
        if gain > 0:
            heapreplace(waiting, (-gain, place))
        else:
            heappop(waiting)
    return {each.spot.name: each.placed() for each in shelves}


def worth(plan: Plan, spots: Sequence[Spot]) -> float:
    """What a plan saves in a day: bytes, each by what its way costs."""
    gains = {spot.name: spot.gain for spot in spots}
    return sum(gains[edge] * each.expected_bytes for edge, rows in plan.items() for each in rows)


def _check(terms: Terms) -> None:
    if terms.piece_bytes < 1:
        raise BadRequestError("a piece has at least one byte")
    if terms.churn_margin < 0 or terms.worth_min < 0:
        raise BadRequestError("margin and least worth are 0 or more")
    if not terms.curve or min(terms.curve) < 0 or not sum(terms.curve) > 0:
        raise BadRequestError("a curve has shares of 0 or more, and not only 0")


@dataclass(slots=True)
class _Curve:
    """Shares of the curve, falling, and summed up."""

    sums: list[float] = field(default_factory=lambda: [0.0])

    @classmethod
    def of(cls, shares: Sequence[float]) -> _Curve:
        falling = list(shares)
        # What lies behind was passed on the way there: small numbers say otherwise at times.
        for place in range(len(falling) - 2, -1, -1):
            falling[place] = max(falling[place], falling[place + 1])
        total, sums = sum(falling), [0.0]
        for share in falling:
            sums.append(sums[-1] + share / total)
        return cls(sums)

    def until(self, share: float) -> float:
        """What is watched of the first `share` of a film."""
        parts = len(self.sums) - 1
        place = min(int(share * parts), parts - 1)
        inside = share * parts - place
        return self.sums[place] + inside * (self.sums[place + 1] - self.sums[place])


class _Shelf:
    """One edge while swaps are made."""

    def __init__(
        self,
        spot: Spot,
        films: Mapping[str, Film],
        demand: Mapping[str, float],
        held: Mapping[str, int],
        terms: Terms,
    ) -> None:
        self.spot = spot
        self._films = films
        self._demand = demand
        self._held_bytes = held
        self._terms = terms
        self._curve = _Curve.of(terms.curve)
        size = terms.piece_bytes
        self._counts = {
            name: count for name, stop in held.items() if (count := self._whole(name, stop))
        }
        self._was = dict(self._counts)
        self._room = spot.room_bytes // size - sum(self._counts.values())
        self._night = spot.night_bytes // size
        # The last piece held of each film, the one worth least first.
        self._leaving = [(self._kept(name), name) for name in self._counts]
        heapify(self._leaving)
        self._coming = [
            (-self._value(name, self._counts.get(name, 0)), name)
            for name in demand
            if name in films and self._counts.get(name, 0) < self._pieces(name)
        ]
        heapify(self._coming)
        self._too_much = {self._drop() for _ in range(-self._room)}

    def gain(self) -> float:
        """What the next swap brings; 0 or less when there is none to make."""
        if not self._coming or self._night <= 0:
            return 0.0
        value = -self._coming[0][0]
        if value < self._terms.worth_min * self._terms.piece_bytes:
            return 0.0
        if self._room > 0:
            return value * self.spot.gain
        if not self._leaving:
            return 0.0
        return (value - self._leaving[0][0]) * self.spot.gain

    def swap(self) -> None:
        """Make it."""
        if self._room <= 0:
            self._drop()
        _, name = heappop(self._coming)
        self._counts[name] = self._counts.get(name, 0) + 1
        self._room -= 1
        self._night -= 1
        if self._counts[name] < self._pieces(name):
            heappush(self._coming, (-self._value(name, self._counts[name]), name))

    def placed(self) -> Sequence[Placed]:
        """What came of it."""
        names = {*self._counts, *(name for name, stop in self._held_bytes.items() if stop > 0)}
        rows = [self._row(name) for name in names]
        return tuple(sorted(rows, key=lambda row: (-row.expected_bytes, row.film)))

    def _drop(self) -> str:
        _, name = heappop(self._leaving)
        self._counts[name] -= 1
        self._room += 1
        if self._counts[name]:
            heappush(self._leaving, (self._kept(name), name))
        return name

    def _row(self, name: str) -> Placed:
        held = self._held_bytes.get(name, 0)
        film = self._films.get(name)
        if film is None:
            return Placed(name, 0, held, 0, Reason.GONE)
        stop = min(self._counts.get(name, 0) * self._terms.piece_bytes, film.size_bytes)
        held = min(held, film.size_bytes)
        expected = self._demand.get(name, 0.0) * self._curve.until(stop / film.size_bytes)
        return Placed(name, stop, held, round(expected), self._reason(name, stop, held))

    def _reason(self, name: str, stop: int, held: int) -> Reason:
        if stop > held:
            return Reason.WANTED
        if self._counts.get(name, 0) == self._was.get(name, 0):
            return Reason.KEPT
        return Reason.NO_ROOM if name in self._too_much else Reason.DISPLACED

    def _whole(self, name: str, stop_bytes: int) -> int:
        """Pieces that are held whole; of one that is not, the rest would have to come."""
        film = self._films.get(name)
        if film is None:
            return 0
        whole = stop_bytes >= film.size_bytes
        return self._pieces(name) if whole else stop_bytes // self._terms.piece_bytes

    def _pieces(self, name: str) -> int:
        return -(-self._films[name].size_bytes // self._terms.piece_bytes)

    def _kept(self, name: str) -> float:
        """What a newcomer has to beat to take the place of a film's last piece."""
        return self._value(name, self._counts[name] - 1) * (1 + self._terms.churn_margin)

    def _value(self, name: str, piece: int) -> float:
        """Bytes a day that are asked for of a piece."""
        size, whole = self._terms.piece_bytes, self._films[name].size_bytes
        first, stop = piece * size / whole, min((piece + 1) * size / whole, 1.0)
        watched = self._curve.until(stop) - self._curve.until(first)
        return self._demand.get(name, 0.0) * watched
