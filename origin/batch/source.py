"""What a snapshot takes from the catalog's database: rows of the log up to a cut, and the titles.

Statements on an open transaction that only reads, for SQLite and PostgreSQL alike. Nothing is held
but a page: rows come in the order of time and number, each page from where the last one ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.batch.manifest import DAY_SECONDS, day_start
from origin.catalog.films import read_film
from origin.catalog.records import TitleRow
from origin.catalog.tables import titles

PAGE_ROWS: Final = 20_000
_TITLES_AT_A_TIME: Final = 1_000

ACTIVITY_COLUMNS: Final = (
    *("number", "event", "kind", "at", "account", "profile", "title", "region"),
    *("position_seconds", "watched_seconds", "value", "words"),
)

activity: Final = sa.table("activity", *(sa.column(name) for name in ACTIVITY_COLUMNS))
"""The log as a reader knows it; who writes it declares it."""

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class DayRows:
    """How much there is of one day, up to the cut."""

    start: float
    rows: int
    last: int


async def newest_number(connection: AsyncConnection) -> int:
    """The number to cut at; 0 when nothing was ever done."""
    found = await connection.scalar(sa.select(sa.func.max(activity.c.number)))
    return int(found or 0)


async def days(connection: AsyncConnection, cut: int) -> list[DayRows]:
    """Every day with rows, the oldest first: one look into the index on `at` for each."""
    found: list[DayRows] = []
    after = -float(DAY_SECONDS)
    while True:
        first = sa.select(sa.func.min(activity.c.at)).where(
            activity.c.at >= after, activity.c.number <= cut
        )
        at = await connection.scalar(first)
        if at is None:
            return found
        start = day_start(at)
        after = start + DAY_SECONDS
        counted = sa.select(sa.func.count(), sa.func.max(activity.c.number)).where(
            *_of_day(start, cut)
        )
        rows, last = (await connection.execute(counted)).one()
        found.append(DayRows(start, rows, last))


async def pages_of_day(
    connection: AsyncConnection, start: float, cut: int, page_rows: int = PAGE_ROWS
) -> AsyncIterator[Rows]:
    """The rows of one day in the order of time and number, a page at a time."""
    columns = [activity.c[name] for name in ACTIVITY_COLUMNS]
    ordered = sa.select(*columns).order_by(activity.c.at, activity.c.number).limit(page_rows)
    place: Any = sa.true()
    while True:
        statement = ordered.where(*_of_day(start, cut), place)
        page = [dict(row._mapping) for row in await connection.execute(statement)]
        if page:
            yield page
        if len(page) < page_rows:
            return
        at, number = page[-1]["at"], page[-1]["number"]
        later = sa.and_(activity.c.at == at, activity.c.number > number)
        place = sa.or_(activity.c.at > at, later)


async def pages_of_titles(connection: AsyncConnection) -> AsyncIterator[Rows]:
    """What jobs need to know of each title, by id."""
    columns = [titles.c.id.label("title_id"), *(titles.c[name] for name in TitleRow.__slots__[1:])]
    ordered = sa.select(*columns).order_by(titles.c.id).limit(_TITLES_AT_A_TIME)
    after = ""
    while True:
        found = await connection.execute(ordered.where(titles.c.id > after))
        rows = [TitleRow(**row._mapping) for row in found]
        if rows:
            yield [_title(row) for row in rows]
        if len(rows) < _TITLES_AT_A_TIME:
            return
        after = rows[-1].title_id


def _of_day(start: float, cut: int) -> tuple[sa.ColumnElement[bool], ...]:
    at = activity.c.at
    return at >= start, at < start + DAY_SECONDS, activity.c.number <= cut


def _title(row: TitleRow) -> Mapping[str, Any]:
    film = read_film(row)
    return {
        "title": film.id,
        "name": film.title,
        "genre": film.genres[0].partition("/")[0] if film.genres else "",
        "genres": list(film.genres),
        "year": film.year,
        "age": film.age,
        "duration_seconds": film.duration_seconds,
        "version": row.version,
    }
