"""`placement.json`: the plan as it is carried out, shown, and compared with what was used. Pure.

version, made_at, given_at (0: not carried out yet), snapshot, piece_bytes
edges    edge, from_at, until_at, bytes_per_second, room_bytes, night_bytes, gain,
         released (keys of objects of which less is placed than before), and
films    film, size_bytes, stop_bytes, held_bytes, expected_bytes, reason, and
objects  key, stop_bytes
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from cdnkit.errors import BadRequestError
from origin.placement.planner import Held, Placed, Reason
from origin.placement.stock import Stock

VERSION: Final = 1
_SMALL_BYTES: Final = 1 << 20
"""Playlists and the like are taken whole with the first byte of a film."""


@dataclass(frozen=True, slots=True)
class PlacedObject:
    """Bytes [0, stop_bytes) of an object; nothing when `stop_bytes` is 0."""

    key: str
    stop_bytes: int


@dataclass(frozen=True, slots=True)
class FilmRow:
    """One film on one edge, as `origin.placement.planner.Placed` says, with its objects."""

    film: str
    size_bytes: int
    stop_bytes: int
    held_bytes: int
    expected_bytes: int
    reason: Reason
    objects: tuple[PlacedObject, ...]


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One edge: its hours in epoch seconds, its budgets, its films."""

    edge: str
    from_at: float
    until_at: float
    bytes_per_second: int
    room_bytes: int
    night_bytes: int
    gain: float
    films: tuple[FilmRow, ...]
    released: tuple[str, ...] = ()
    """Keys of objects of which less is placed than before, or nothing."""

    @property
    def expected_bytes(self) -> int:
        """What will be asked for of its films in a day."""
        return sum(film.expected_bytes for film in self.films)

    @property
    def placed_bytes(self) -> int:
        """What is to be there in the end."""
        return sum(film.stop_bytes for film in self.films)

    @property
    def fetched_bytes(self) -> int:
        """What has to come."""
        return sum(max(0, film.stop_bytes - film.held_bytes) for film in self.films)

    @property
    def dropped_bytes(self) -> int:
        """What need not stay."""
        return sum(max(0, film.held_bytes - film.stop_bytes) for film in self.films)


@dataclass(frozen=True, slots=True)
class Document:
    """All edges, from one snapshot."""

    made_at: float
    snapshot: str
    piece_bytes: int
    edges: tuple[EdgeRow, ...]
    given_at: float = 0.0


def film_row(placed: Placed, stock: Stock | None) -> FilmRow:
    """A row of a plan with its objects: of each the share that is placed of the film."""
    size = 0 if stock is None else stock.size_bytes
    share = placed.stop_bytes / size if size else 0.0
    objects = [
        PlacedObject(part.key, _stop(part.size_bytes, share))
        for part in (() if stock is None else stock.parts)
    ]
    return FilmRow(
        placed.film,
        size,
        placed.stop_bytes,
        placed.held_bytes,
        placed.expected_bytes,
        placed.reason,
        tuple(objects),
    )


def held_of(document: Document, stock: Sequence[Stock]) -> Held:
    """What edges hold if they do as they were told; films of another size are new ones."""
    sizes = {each.title: each.size_bytes for each in stock}
    is_given = document.given_at > 0
    return {
        row.edge: {
            film.film: held
            for film in row.films
            if (held := film.stop_bytes if is_given else film.held_bytes)
            and sizes.get(film.film, film.size_bytes) == film.size_bytes
        }
        for row in document.edges
    }


def released_by(before: Document | None, edge: str, films: Sequence[FilmRow]) -> tuple[str, ...]:
    """Keys of objects that may be pinned further than these films are placed."""
    row = next((row for row in before.edges if row.edge == edge), None) if before else None
    if before is None or row is None:
        return ()
    now = {each.key: each.stop_bytes for film in films for each in film.objects}
    was = {each.key: float(each.stop_bytes) for film in row.films for each in film.objects}
    if not before.given_at:
        # What is pinned is what an older plan said, which is not known any more.
        was = dict.fromkeys((*was, *row.released), math.inf)
    return tuple(sorted(key for key, stop in was.items() if now.get(key, 0) < stop))


def format_document(document: Document) -> bytes:
    """The file."""
    body = {"version": VERSION, **asdict(document)}
    return json.dumps(body, indent=1).encode() + b"\n"


def parse_document(text: bytes, name: str) -> Document:
    """The reverse. Raises BadRequestError, naming the file."""
    try:
        body = json.loads(text)
        if body["version"] != VERSION:
            raise BadRequestError(f"{name} is of version {body['version']!r}, not {VERSION}")
        return Document(
            float(body["made_at"]),
            str(body["snapshot"]),
            int(body["piece_bytes"]),
            tuple(_edge(each) for each in body["edges"]),
            _number(body["given_at"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequestError(f"{name} is no placement: {error!r}") from error


def _edge(body: Mapping[str, Any]) -> EdgeRow:
    return EdgeRow(
        str(body["edge"]),
        _number(body["from_at"]),
        _number(body["until_at"]),
        int(_number(body["bytes_per_second"])),
        int(_number(body["room_bytes"])),
        int(_number(body["night_bytes"])),
        _number(body["gain"]),
        tuple(_film(each) for each in body["films"]),
        tuple(str(key) for key in body["released"]),
    )


def _film(body: Mapping[str, Any]) -> FilmRow:
    return FilmRow(
        str(body["film"]),
        int(_number(body["size_bytes"])),
        int(_number(body["stop_bytes"])),
        int(_number(body["held_bytes"])),
        int(_number(body["expected_bytes"])),
        Reason(body["reason"]),
        tuple(
            PlacedObject(str(each["key"]), int(_number(each["stop_bytes"])))
            for each in body["objects"]
        ),
    )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{value!r} is no number of 0 or more")
    return float(value)


def _stop(size_bytes: int, share: float) -> int:
    if not share:
        return 0
    if size_bytes <= _SMALL_BYTES:
        return size_bytes
    return min(size_bytes, math.ceil(size_bytes * share))
