"""What a snapshot holds, file by file: records, and their form as JSON. Pure.

A snapshot is its manifest: until that is written there is none, and a file that no manifest names
belongs to nothing. Paths are relative to the place where all snapshots are, so that a manifest may
name files that an earlier snapshot wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cdnkit.errors import BadRequestError

SCHEMA: Final = 1
"""Of manifest and files; a reader refuses another."""
DAY_SECONDS: Final = 86_400
_ID: Final = re.compile(r"\d{8}T\d{6}Z-\d+")


@dataclass(frozen=True, slots=True)
class Part:
    """One file, with all that is needed to doubt it."""

    path: str
    rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Day:
    """The rows of one day (UTC). Rows never change, so count and last number name their sum."""

    day: str
    rows: int
    last: int
    parts: tuple[Part, ...]

    def holds(self, rows: int, last: int) -> bool:
        """Whether these are still the rows of the day."""
        return (self.rows, self.last) == (rows, last)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A snapshot: activity up to number `cut` and the titles of the same moment."""

    id: str
    cut: int
    made_at: float
    days: tuple[Day, ...]
    titles: tuple[Part, ...]

    def activity_parts(self) -> Iterator[Part]:
        """The files of the log, oldest day first."""
        return (part for day in self.days for part in day.parts)

    def parts(self) -> Iterator[Part]:
        """Every file."""
        yield from self.activity_parts()
        yield from self.titles

    def day(self, day: str) -> Day | None:
        """What it holds of one day."""
        return next((each for each in self.days if each.day == day), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided before the days are read; a rerun after a crash goes on with it."""

    id: str
    cut: int
    made_at: float
    titles: tuple[Part, ...]


def snapshot_id(made_at: float, cut: int) -> str:
    """Names sort by time: `20261129T062300Z-12345`."""
    return f"{datetime.fromtimestamp(made_at, UTC):%Y%m%dT%H%M%SZ}-{cut}"


def is_snapshot_id(name: str) -> bool:
    """Whether a folder is named as snapshots are; anything else in their place is not ours."""
    return _ID.fullmatch(name) is not None


def day_of(at: float) -> str:
    """The day of a moment, `YYYY-MM-DD` in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def day_start(at: float) -> float:
    """When the day of a moment begins."""
    return at // DAY_SECONDS * DAY_SECONDS


def format_record(record: Manifest | Plan | Day) -> bytes:
    """A record as JSON."""
    body = {"schema": SCHEMA, **asdict(record)}
    return json.dumps(body, indent=1, sort_keys=True).encode() + b"\n"


def parse_manifest(text: bytes, name: str) -> Manifest:
    """The reverse. Raises BadRequestError, naming the file."""
    body = _members(text, name)
    try:
        return Manifest(
            body["id"],
            body["cut"],
            body["made_at"],
            tuple(_day(each) for each in body["days"]),
            _parts(body["titles"]),
        )
    except (KeyError, TypeError) as error:
        raise BadRequestError(f"{name} is no manifest: {error}") from error


def parse_plan(text: bytes, name: str) -> Plan:
    """A plan as it was written. Raises BadRequestError."""
    body = _members(text, name)
    try:
        return Plan(body["id"], body["cut"], body["made_at"], _parts(body["titles"]))
    except (KeyError, TypeError) as error:
        raise BadRequestError(f"{name} is no plan: {error}") from error


def parse_day(text: bytes, name: str) -> Day:
    """A day as it was written. Raises BadRequestError."""
    try:
        return _day(_members(text, name))
    except (KeyError, TypeError) as error:
        raise BadRequestError(f"{name} is no day: {error}") from error


def _members(text: bytes, name: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as error:
        raise BadRequestError(f"{name} is not JSON; it may be cut off") from error
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise BadRequestError(f"{name} is not of schema {SCHEMA}: make a new snapshot")
    return body


def _day(body: Mapping[str, Any]) -> Day:
    return Day(body["day"], body["rows"], body["last"], _parts(body["parts"]))


def _parts(body: Any) -> tuple[Part, ...]:
    names = Part.__slots__
    return tuple(Part(*(each[name] for name in names)) for each in body)
