"""Packages without being asked: titles as they are saved, and films as they are replaced.

Follows the journal of this origin, so a replaced upload is noticed whoever took it in; asking
twice changes nothing, so several origins may notice the same one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import structlog

from cdnkit.errors import CinedgeError
from cdnkit.wire import ChangeKind
from origin.catalog.catalog import Catalog
from origin.catalog.jobs import Jobs
from origin.packaging.start import PREFIX

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

    async def saved(self, title_id: str) -> None:
        """A title was saved: package its media, if it names any."""
        title = self._catalog.titles.get(title_id)
        if title is not None and json.loads(title.body).get("media"):
            await self._try(title_id)

    async def run(self) -> None:
        """Follow the journal until cancelled."""
        while True:
            await self._catalog.journal.wait_beyond(self._seen, _WAIT_SECONDS)
            # A journal that is closed, because we stop, waits for nothing.
            await asyncio.sleep(_PAUSE_SECONDS)
            try:
                await self.catch_up()
            except CinedgeError as error:
                _log.error("packaging cannot read its rows", reason=error.detail)

    async def catch_up(self) -> None:
        """Look at what the journal has had since the last look."""
        for change in await self._catalog.changes_after(self._seen, _PAGE):
            if change.kind is ChangeKind.PUBLISH and not change.key.startswith(PREFIX):
                for row in await self._jobs.by_source(change.key):
                    if row.source_generation != change.generation:
                        await self._try(row.title_id)
            self._seen = change.sequence

    async def _try(self, title_id: str) -> None:
        try:
            await self._request(title_id)
        except CinedgeError as error:
            _log.warning("a title is not packaged", title=title_id, reason=error.detail)
