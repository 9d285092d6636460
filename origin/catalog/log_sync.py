"""One sync of the disk for all who wait for one at the same time.

Committing is quick and goes one by one; waiting for the disk is slow and need not. A writer that
has committed lets the next one go on and waits here, together with those that committed after it
(group commit; docs/decisions/0046-one-sync-for-many.md).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class LogSync:
    """`sync` makes durable all that was written before it is called; it runs in a thread."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-sync")
        self._running: asyncio.Future[None] | None = None
        self._next: asyncio.Future[None] | None = None

    async def wait(self) -> None:
        """Return once all that was written before this call is durable.

        Raises OSError when the disk does not say so.
        """
        if self._next is None:
            # The sync under way may have begun before the write: it tells nothing.
            self._next = asyncio.ensure_future(self._after(self._running))
        await asyncio.shield(self._next)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    async def _after(self, before: asyncio.Future[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        await asyncio.get_running_loop().run_in_executor(self._thread, self._sync)


def sync_file(path: str) -> None:
    """Make a file's bytes and size durable; nothing to do for one that is gone.

    Raises OSError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
