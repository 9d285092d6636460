"""Deletes bytes that nobody can reach any more, once their time has come.

What is garbage, and from when, is noted by the catalog in the transaction that made it so; the
notes survive a restart. Bytes that an answer of this process is being made from are held, and wait.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cdnkit.errors import CinedgeError
from origin.catalog.catalog import Catalog
from origin.store.base import ByteStore, StoredObject

INTERVAL_SECONDS = 30.0


class Holds:
    """Which stored objects are being read now."""

    def __init__(self) -> None:
        self._readers: Counter[StoredObject] = Counter()

    @contextmanager
    def hold(self, stored: StoredObject) -> Iterator[None]:
        """Keep `stored` from being swept."""
        self._readers[stored] += 1
        try:
            yield
        finally:
            self._readers[stored] -= 1
            if not self._readers[stored]:
                del self._readers[stored]

    def is_held(self, stored: StoredObject) -> bool:
        """Whether somebody reads `stored`."""
        return stored in self._readers


class Sweeper:
    """One sweep at a time, now and then."""

    def __init__(
        self,
        catalog: Catalog,
        store: ByteStore,
        holds: Holds,
        now: Callable[[], float],
        report: Callable[[str], None],
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._holds = holds
        self._now = now
        self._report = report

    async def sweep(self) -> int:
        """Delete what is due and not held; how many objects went. Raises UnavailableError."""
        now = self._now()
        deleted = 0
        for garbage in await self._catalog.list_garbage():
            if garbage.due_at > now:
                break
            if self._holds.is_held(garbage.stored):
                continue
            await self._store.delete(garbage.stored)
            await self._catalog.forget_garbage(garbage.stored)
            deleted += 1
        return deleted

    async def run(self, interval_seconds: float = INTERVAL_SECONDS) -> None:
        """Sweep until cancelled. Troubles are reported and tried again."""
        while True:
            try:
                await self.sweep()
            except (CinedgeError, OSError) as error:
                self._report(f"sweeping old bytes failed: {error}")
            await asyncio.sleep(interval_seconds)
