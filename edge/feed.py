"""Following the origin's change journal: what was replaced, deleted or purged is not served again.

Each origin's journal is read in order by long-poll; the place reached is kept on disk, so that an
edge that was away replays what it missed before it says ready. When the journal cannot be read,
nothing held is trusted without asking (docs/decisions/0005-change-feed.md).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import aiohttp
import structlog

from cdnkit.wire import CHANGES_PATH, ChangeKind
from edge.cache.holdings import Holdings

WAIT_SECONDS: Final = 25
_RETRY_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 10.0
"""How much longer than the wait an answer may take: a silent origin must not hold a start up."""


class Feed:
    """Follows one origin's journal and invalidates what it names.

    `targets_of` gives the request targets under which a key is served here.
    """

    def __init__(
        self,
        origin_url: str,
        holdings: Holdings,
        targets_of: Callable[[str], list[bytes]],
        place: Path,
    ) -> None:
        self.reached = asyncio.Event()
        self.sequence = 0
        self.connected = False
        self._url = origin_url.rstrip("/") + CHANGES_PATH
        self._holdings = holdings
        self._targets_of = targets_of
        self._place = place
        self._log = structlog.get_logger("edge.feed")

    async def follow(self) -> None:
        """Follow for ever. `reached` is set once nothing held can be out of date unnoticed."""
        known = self._read_place()
        if known is None:
            self._holdings.distrust()
        else:
            self.sequence = known
        async with aiohttp.ClientSession() as session:
            wait_seconds = 0
            while True:
                try:
                    caught_up = await self._read(session, wait_seconds)
                except (
                    aiohttp.ClientError,
                    TimeoutError,
                    ValueError,
                    KeyError,
                    TypeError,
                ) as error:
                    self._lost(error)
                    await asyncio.sleep(_RETRY_SECONDS)
                    wait_seconds = 0
                    continue
                self.connected = True
                if caught_up:
                    self.reached.set()
                    wait_seconds = WAIT_SECONDS

    async def _read(self, session: aiohttp.ClientSession, wait_seconds: int) -> bool:
        """One request; True when there is nothing more to read now."""
        parameters = {"after": str(self.sequence), "wait": str(wait_seconds), "limit": "1000"}
        limit = aiohttp.ClientTimeout(total=wait_seconds + _ANSWER_SECONDS, sock_connect=5)
        async with session.get(self._url, params=parameters, timeout=limit) as response:
            response.raise_for_status()
            page = await response.json()
        changes = page["changes"]
        for change in changes:
            self._apply(change["key"], change)
        last = int(page["last"])
        if last < self.sequence:
            # Another journal than the one we followed: nothing known says what changed.
            self._holdings.distrust()
        if last != self.sequence or not changes:
            self.sequence = last
            await self._keep_place()
        return len(changes) < 1000

    def _apply(self, key: str, change: Mapping[str, object]) -> None:
        etag = change.get("etag") if change.get("kind") == ChangeKind.PUBLISH.value else None
        for target in self._targets_of(key):
            self._holdings.invalidate(target, etag if isinstance(etag, str) else None)

    def _lost(self, error: Exception) -> None:
        if self.connected or not self.reached.is_set():
            self._log.warning("change feed lost", url=self._url, error=repr(error))
            self._holdings.distrust()
        self.connected = False
        self.reached.set()

    async def _keep_place(self) -> None:
        try:
            await asyncio.to_thread(self._write_place)
        except OSError as error:
            # The older place on disk only makes the next start replay more.
            self._log.warning("place in the change feed not kept", error=str(error))

    def _read_place(self) -> int | None:
        try:
            return int(json.loads(self._place.read_text())["sequence"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write_place(self) -> None:
        aside = self._place.with_suffix(".aside")
        aside.write_text(json.dumps({"sequence": self.sequence}))
        aside.replace(self._place)
