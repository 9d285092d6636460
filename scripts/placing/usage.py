"""What viewers asked for of a placement on the day after the night it was fetched in. Pure.

The source is the access logs of the edges: nothing else tells apart which edge sent what. A day is
from the end of the edge's quiet hours to the beginning of the next; of a range only what was sent
counts, and of a film what lies inside the bytes placed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cdnkit.tokens.where import split_token_path
from origin.placement.document import Document, EdgeRow, FilmRow
from scripts.logs.records import weight_of
from scripts.simulation.access_log import rows_of

_DAY_SECONDS: Final = 86_400.0


@dataclass(slots=True)
class FilmUse:
    """One film on one edge: bytes placed and expected, and what was sent inside and beyond."""

    film: str
    placed_bytes: int
    expected_bytes: int
    used_bytes: int = 0
    beyond_bytes: int = 0


@dataclass(slots=True)
class EdgeUse:
    """One edge: its films, most used first, and what it sent of anything else."""

    edge: str
    films: list[FilmUse]
    other_bytes: int = 0
    lines: int = 0
    """Of the log that fell into its day."""

    @property
    def placed_bytes(self) -> int:
        """What was to be there."""
        return sum(film.placed_bytes for film in self.films)

    @property
    def expected_bytes(self) -> int:
        """What was to be asked for of it."""
        return sum(film.expected_bytes for film in self.films)

    @property
    def used_bytes(self) -> int:
        """What was."""
        return sum(film.used_bytes for film in self.films)

    @property
    def idle_bytes(self) -> int:
        """Placed of films that nobody asked for."""
        return sum(film.placed_bytes for film in self.films if not film.used_bytes)


class Usage:
    """Counts line by line."""

    def __init__(self, document: Document, prefixes: Sequence[str]) -> None:
        self._prefixes = sorted(prefixes, key=len, reverse=True)
        self._edges = {row.edge: _Edge(row) for row in document.edges}
        self.unread_lines = 0

    def take(self, lines: Iterable[str]) -> None:
        """Count what the lines of a log say; what is none is counted as unread."""
        for line in lines:
            try:
                self._take(line)
            except (ValueError, TypeError, KeyError, AttributeError):
                self.unread_lines += 1

    def edges(self) -> list[EdgeUse]:
        """What came of it."""
        for each in self._edges.values():
            each.use.films.sort(key=lambda film: (-film.used_bytes, film.film))
        return [each.use for each in self._edges.values()]

    def _take(self, line: str) -> None:
        record = json.loads(line)
        edge = self._edges.get(record.get("node", ""))
        rows = rows_of(line) if edge is not None else []
        if edge is None or not rows or not edge.is_of_the_day(rows[0][0]):
            return
        edge.use.lines += 1
        left, weight = int(record["bytes"]), weight_of(record)
        for _, path, size, offset in rows:
            sent = min(size, left)
            left -= sent
            edge.add(self._key(path), offset, offset + sent, weight)

    def _key(self, path: str) -> str:
        plain = split_token_path(path.partition("?")[0])[1]
        for prefix in self._prefixes:
            if plain.startswith(prefix):
                return plain.removeprefix(prefix)
        return plain


class _Edge:
    """The objects placed on one edge."""

    def __init__(self, row: EdgeRow) -> None:
        self._day = row.until_at, row.from_at + _DAY_SECONDS
        films = [film for film in row.films if film.stop_bytes]
        uses = [FilmUse(film.film, film.stop_bytes, film.expected_bytes) for film in films]
        self.use = EdgeUse(row.edge, uses)
        self._placed = dict(_objects(films, uses))

    def is_of_the_day(self, seconds: float) -> bool:
        """Whether it happened between two nights."""
        return self._day[0] <= seconds < self._day[1]

    def add(self, key: str, first: int, stop: int, weight: float) -> None:
        """Bytes [first, stop) of an object were sent, as often as `weight` says."""
        if key not in self._placed:
            self.use.other_bytes += round((stop - first) * weight)
            return
        film, placed = self._placed[key]
        inside = max(0, min(stop, placed) - first)
        film.used_bytes += round(inside * weight)
        film.beyond_bytes += round((stop - first - inside) * weight)


def _objects(
    films: Sequence[FilmRow], uses: Sequence[FilmUse]
) -> Iterable[tuple[str, tuple[FilmUse, int]]]:
    for film, use in zip(films, uses, strict=True):
        for each in film.objects:
            yield each.key, (use, each.stop_bytes)
