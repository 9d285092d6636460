"""How far a journal was acted on, as it is kept on a disk.

A place is one in a journal of that name, and can be said of what has one of the marks that were
good then (`edge.trust`); older files have neither.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.trust import UNMARKED
from edge.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Place:
    """Everything up to `sequence` was acted on; `journal` is None where it told no name."""

    sequence: int
    journal: str | None = None
    mark: str = UNMARKED


def format_place(place: Place) -> dict[str, Any]:
    """JSON values of a place."""
    named = {} if place.journal is None else {"journal": place.journal}
    marked = {} if place.mark == UNMARKED else {"mark": place.mark}
    return {"sequence": place.sequence, **named, **marked}


def parse_place(value: Any) -> Place:
    """The reverse of `format_place`. Raises KeyError, TypeError, AttributeError."""
    sequence, journal, mark = value["sequence"], value.get("journal"), value.get("mark", UNMARKED)
    if type(sequence) is not int or not isinstance(journal, str | None):
        raise TypeError("not a place")
    if not isinstance(mark, str):
        raise TypeError("not a mark")
    return Place(sequence, journal, mark)


def earliest(places: Collection[Place], mark: str) -> Place | None:
    """The place that all have reached, said of `mark`; None where they are in several journals."""
    if len({place.journal for place in places}) != 1:
        return None
    return replace(min(places, key=lambda place: place.sequence), mark=mark)


def read_place(path: Path) -> Place | None:
    """The place in a file; None without one."""
    try:
        return parse_place(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_place(path: Path, place: Place) -> None:
    """Write a place down, whole or not at all; blocks. Raises OSError."""
    write_whole(path, json.dumps(format_place(place)).encode())
