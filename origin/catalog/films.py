"""What the film service knows of a title: the members it understands, read from free-form JSON.

A title may say anything; members of another type than expected are passed over, so that one odd
title cannot stop a listing or an index. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from origin.catalog.records import TitleRow

YEARS: Final = range(1870, 2200)
_LISTED_MAX: Final = 200
_NAME_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a film and what they did."""

    name: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Film:
    """A title as the film service sees it.

    `age` is in years: from which age on it may be watched, 0 when nothing is said; `year` is None
    when unknown. `genres` may be paths ("Drama/Crime"). `etag` names the version of the title.
    """

    id: str
    title: str
    original_title: str = ""
    year: int | None = None
    overview: str = ""
    poster: str = ""
    genres: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    collections: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    age: int = 0
    duration_seconds: float = 0.0
    etag: str = ""


def read_film(row: TitleRow) -> Film:
    """What a saved title says."""
    body = json.loads(row.body)
    year = body.get("year")
    age = body.get("age")
    duration = body.get("duration_seconds")
    return Film(
        id=row.title_id,
        title=_text(body.get("title")),
        original_title=_text(body.get("original_title")),
        year=year if _is_whole(year) and year in YEARS else None,
        overview=_text(body.get("overview")),
        poster=_text(body.get("poster")),
        genres=_names(body.get("genres")),
        tags=_names(body.get("tags")),
        people=tuple(_people(body.get("people"))),
        collections=_names(body.get("collections")),
        languages=_names(body.get("languages")),
        age=age if _is_whole(age) and 0 <= age <= 99 else 0,
        duration_seconds=float(duration) if _is_number(duration) and duration > 0 else 0.0,
        etag=row.etag,
    )


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _names(value: Any) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [value]
    texts = (_text(each)[:_NAME_CHARACTERS_MAX] for each in given[:_LISTED_MAX])
    return tuple(dict.fromkeys(text for text in texts if text))


def _people(value: Any) -> Iterator[Person]:
    for each in value[:_LISTED_MAX] if isinstance(value, list) else ():
        said = each if isinstance(each, dict) else {"name": each}
        name = _text(said.get("name"))[:_NAME_CHARACTERS_MAX]
        if name:
            yield Person(name, _text(said.get("role"))[:_NAME_CHARACTERS_MAX])


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or isinstance(value, float)
