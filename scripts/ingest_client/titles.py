"""From the lines of a film list to titles: ids and members. Pure.

A line is a JSON object with `title` and what else is known: `year`, `cast` (names), `genres`,
`extract`; members that a title has by these names itself (`people`, `overview`, …) are taken as
they are. The id is made of title and year, so that the same list gives the same ids again.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from origin.catalog.words import fold
from scripts.cli.errors import UsageError

_ID_CHARACTERS_MAX: Final = 64
_SUFFIX_CHARACTERS: Final = 12
"""Room for the year and a number."""

_TAKEN: Final = (
    *("title", "original_title", "year", "overview", "genres", "tags", "people"),
    *("collections", "languages", "age", "duration_seconds", "poster"),
)


@dataclass(frozen=True, slots=True)
class ListedTitle:
    """A title to be: its id and what is said of it."""

    id: str
    members: Mapping[str, Any]


def read_titles(lines: Iterable[str]) -> Iterator[ListedTitle]:
    """The titles of a list; empty lines are passed over. Raises UsageError naming the line."""
    taken: Counter[str] = Counter()
    for number, line in enumerate(lines, 1):
        if line.strip():
            members = _members(number, line)
            base = make_id(members["title"], members.get("year"))
            taken[base] += 1
            count = taken[base]
            yield ListedTitle(base if count == 1 else f"{base}-{count}", members)


def make_id(title: str, year: int | None) -> str:
    """The id of the first title of a name and year."""
    words = re.sub(r"[^a-z0-9]+", "-", fold(title).replace("'", "")).strip("-")
    words = words or sha256(title.encode()).hexdigest()[:_SUFFIX_CHARACTERS]
    base = words[: _ID_CHARACTERS_MAX - _SUFFIX_CHARACTERS].strip("-")
    return base if year is None else f"{base}-{year}"


def _members(number: int, line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError as error:
        raise UsageError(f"line {number} is not JSON: {error}") from None
    if not isinstance(said, dict) or not str(said.get("title") or "").strip():
        raise UsageError(f"line {number} is no object with a title")
    members = {name: said[name] for name in _TAKEN if said.get(name)}
    members["title"] = str(said["title"]).strip()
    if not isinstance(members.get("year", 0), int):
        raise UsageError(f"line {number}: 'year' is not a whole number")
    if said.get("extract"):
        members.setdefault("overview", said["extract"])
    if isinstance(said.get("cast"), list):
        names = dict.fromkeys(name for name in said["cast"] if isinstance(name, str) and name)
        members.setdefault("people", [{"name": name, "role": "cast"} for name in names])
    return members
