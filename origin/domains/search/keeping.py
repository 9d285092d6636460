"""Keeps the index up with the catalog: opens it, takes changes in, builds it anew when it must.

All writing is done by one thread. Searches meet the newest commit; when the files turn out to be
broken, they find nothing for the moment that a new index takes, and nobody meets an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from cdnkit.service.lasting import lasting
from origin.catalog.catalog import Catalog
from origin.catalog.films import read_film
from origin.catalog.progress import Progress
from origin.catalog.title_feed import TitleChanges, all_titles, next_titles
from origin.domains.search.asking import Filters
from origin.domains.search.index import (
    NOTHING,
    FilmIndex,
    Found,
    IndexBrokenError,
    open_index,
    remove_index,
)
from origin.domains.search.rules import Asked
from origin.domains.search.schema import version_of

RETRY_SECONDS: Final = 1.0
T = TypeVar("T")


class Keeper:
    """The index of one origin. `run` keeps it; before and after that nothing is found."""

    def __init__(
        self,
        catalog: Catalog,
        folder: Path,
        refresh_seconds: float,
        report: Callable[[str], None],
    ) -> None:
        self._catalog = catalog
        self._folder = folder
        self._refresh_seconds = refresh_seconds
        self._report = report
        self._index: FilmIndex | None = None
        self._broken = asyncio.Event()
        self.commits = Progress(0)
        """How many times changes were taken in."""
        self._thread = ThreadPoolExecutor(1, "search-index")
        self._searching = ThreadPoolExecutor(2, "search")

    @property
    def place(self) -> int:
        """Up to which change of titles everything can be found."""
        return NOTHING if self._index is None else self._index.place

    @property
    def is_building(self) -> bool:
        """Whether there are films yet to be found that are no news."""
        return self.place == NOTHING

    async def find(self, asked: Asked, filters: Filters, limit: int, *, with_facets: bool) -> Found:
        """What the index finds; nothing while there is none."""
        index = self._index
        if index is None:
            return Found()
        work = partial(index.find, asked, filters, limit, with_facets=with_facets)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._searching, work)
        except IndexBrokenError as error:
            self._report(f"the search index cannot be read: {error}")
            self._broken.set()
            return Found()

    async def run(self) -> None:
        """Keep the index until cancelled."""
        try:
            await lasting("search index", self._keep_on)
        finally:
            # Behind whatever the thread is still writing.
            await self._in_thread(self._close)
            self._thread.shutdown(wait=False)
            self._searching.shutdown(wait=False)

    async def _keep_on(self) -> None:
        while True:
            try:
                await self._keep()
            except (IndexBrokenError, OSError) as error:
                self._report(f"the search index is built anew: {error}")
                await self._in_thread(self._discard)
                await asyncio.sleep(RETRY_SECONDS)

    async def _keep(self) -> None:
        """Follow the catalog until the files are broken. Raises IndexBrokenError, OSError.

        Once it is up with the catalog, an index is compared: it may be another catalog's.
        """
        self._broken.clear()
        await self._in_thread(self._close)
        index = await self._in_thread(partial(open_index, self._folder, self._report))
        self._index = index
        is_compared = False
        while True:
            reached = self._catalog.titles_progress.reached
            is_all = not NOTHING < index.place <= reached
            if index.place == reached and not is_compared:
                titles = all_titles(self._catalog)
                is_all = not await self._in_thread(partial(_holds, index, titles))
                is_compared = True
            changes = all_titles(self._catalog) if is_all else await self._next(index.place)
            await self._in_thread(partial(take_in, index, changes, is_all=is_all))
            self.commits.advance(self.commits.reached + 1)
            await asyncio.sleep(self._refresh_seconds)

    async def _next(self, place: int) -> TitleChanges:
        """The next changes. Raises IndexBrokenError once a search has found the files broken."""
        broken = asyncio.create_task(self._broken.wait())
        changes = asyncio.create_task(next_titles(self._catalog, place))
        try:
            await asyncio.wait((broken, changes), return_when=asyncio.FIRST_COMPLETED)
            if self._broken.is_set():
                raise IndexBrokenError("a search could not read it")
            return await changes
        finally:
            broken.cancel()
            changes.cancel()
            await asyncio.gather(broken, changes, return_exceptions=True)

    def _discard(self) -> None:
        self._close()
        remove_index(self._folder)

    def _close(self) -> None:
        index, self._index = self._index, None
        if index is not None:
            try:
                index.close()
            except IndexBrokenError as error:
                self._report(f"the search index did not close well: {error}")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def take_in(index: FilmIndex, changes: TitleChanges, *, is_all: bool) -> None:
    """Put changed titles into an index. Raises IndexBrokenError."""
    films = {key: None if row is None else read_film(row) for key, row in changes.rows.items()}
    index.apply(films, changes.place, is_all=is_all)


def _holds(index: FilmIndex, titles: TitleChanges) -> bool:
    """Whether an index has just these titles."""
    rows = titles.rows.values()
    return index.versions() == {version_of(row.title_id, row.etag) for row in rows if row}
