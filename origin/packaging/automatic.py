"""Packages without being asked: titles as they are saved, and films as they are replaced.

Looks through all titles once, for what happened while no origin ran, then follows the journal of
this origin, so a replaced upload is noticed whoever took it in; asking twice changes nothing, so
several origins may notice the same one. What is due is decided by `origin.packaging.start`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import structlog

from cdnkit.errors import CinedgeError
from cdnkit.wire import ChangeKind
from origin.catalog.catalog import Catalog
from origin.catalog.jobs import JobRow, Jobs
from origin.packaging.start import PREFIX, is_due

_WAIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.1
_PAGE = 100

_log = structlog.get_logger()

Request = Callable[[str], Awaitable[object]]


class Automatic:
    """Calls `request` with the id of each title that has something new to package."""

    def __init__(self, catalog: Catalog, jobs: Jobs, request: Request) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._request = request
        self._seen = catalog.journal.last

    async def saved(self, title_id: str, is_new: bool) -> None:
        """A title was saved: package its media, if it names any.

        A new one has nothing to do with a retired one of the same name.
        """
        key = self._media_of(title_id)
        if key:
            row = None if is_new else await self._jobs.find(title_id)
            await self._consider(title_id, key, row)

    async def run(self) -> None:
        """Look through the titles, then follow the journal, until cancelled."""
        work = self.look_through
        while True:
            try:
                await work()
                work = self.catch_up
            except CinedgeError as error:
                _log.error("packaging cannot read its rows", reason=error.detail)
            # A journal that is closed, because we stop, waits for nothing.
            await asyncio.sleep(_PAUSE_SECONDS)
            if work == self.catch_up:
                await self._catalog.journal.wait_beyond(self._seen, _WAIT_SECONDS)

    async def look_through(self) -> None:
        """Look at every title for what was missed before the journal is followed."""
        after: str | None = ""
        while after is not None:
            titles, after = self._catalog.titles.page(after=after, limit=_PAGE)
            rows = await self._jobs.among([title.title_id for title in titles])
            jobs = {row.title_id: row for row in rows}
            for title in titles:
                key = self._media_of(title.title_id)
                if key:
                    await self._consider(title.title_id, key, jobs.get(title.title_id))

    async def catch_up(self) -> None:
        """Look at what the journal has had since the last look."""
        for change in await self._catalog.changes_after(self._seen, _PAGE):
            if change.kind is ChangeKind.PUBLISH and not change.key.startswith(PREFIX):
                for row in await self._jobs.by_source(change.key):
                    if is_due(row, change.key, change.generation):
                        await self._try(row.title_id)
            self._seen = change.sequence

    def _media_of(self, title_id: str) -> str:
        title = self._catalog.titles.get(title_id)
        return "" if title is None else json.loads(title.body).get("media") or ""

    async def _consider(self, title_id: str, key: str, row: JobRow | None) -> None:
        stored = self._catalog.objects.get(key)
        if stored is not None and is_due(row, key, stored.generation):
            await self._try(title_id)

    async def _try(self, title_id: str) -> None:
        try:
            await self._request(title_id)
        except CinedgeError as error:
            _log.warning("a title is not packaged", title=title_id, reason=error.detail)
