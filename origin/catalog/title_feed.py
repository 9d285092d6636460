"""Titles as they change, for whoever keeps something made of them: an index, a table of genres.

Decides what is told next and that nothing is left out; what is made of it, and where the place
reached is kept, are the follower's business. Rows come from the catalog's memory, which is never
behind the place that is told with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cdnkit.errors import UnavailableError
from origin.catalog import queries
from origin.catalog.catalog import Catalog
from origin.catalog.records import TitleRow

TITLES_AT_A_TIME: Final = 1000
RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class TitleChanges:
    """What changed up to `place`: rows by id, None for titles that are removed."""

    rows: Mapping[str, TitleRow | None]
    place: int


def all_titles(catalog: Catalog) -> TitleChanges:
    """Every title there is, as if all had just changed."""
    rows, _ = catalog.titles.page(limit=len(catalog.titles) + 1)
    return TitleChanges({row.title_id: row for row in rows}, catalog.titles_progress.reached)


async def next_titles(catalog: Catalog, place: int, limit: int = TITLES_AT_A_TIME) -> TitleChanges:
    """Wait for changes after `place`, as long as the database is away too; up to `limit`."""
    while True:
        await catalog.titles_progress.wait_beyond(place)
        try:
            return await _look(catalog, place, limit)
        except UnavailableError:
            await asyncio.sleep(RETRY_SECONDS)


async def _look(catalog: Catalog, place: int, limit: int) -> TitleChanges:
    reached = catalog.titles_progress.reached
    async with catalog.database.reading() as connection:
        changed = await queries.load_title_changes(connection, place, limit)
    # A title that changed again beyond what memory has seen is told then.
    known = [(title_id, number) for title_id, number in changed if number <= reached]
    is_all = len(known) < limit
    rows = {title_id: catalog.titles.get(title_id) for title_id, _ in known}
    return TitleChanges(rows, reached if is_all else known[-1][1])
