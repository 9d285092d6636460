"""Brings a worker's ledger to the origin in lots, each counted once however often it is sent.

A lot has a name that no other has, and stays as it is until an origin says that it has it: an
answer that is lost costs a question, no byte. While no origin answers, the ledger goes on, within
its bounds. A worker that is killed loses what it counted since its last report, and of answers
under way everything, as its access log does.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import structlog

from cdnkit.errors import CinedgeError
from cdnkit.wire import TRAFFIC_PATH
from edge.ledger import Ledger
from edge.receipts import Identity

LOT_ROWS_MAX: Final = 500
"""Names of 256 characters, escaped, stay below what an origin reads of a body."""
_LAST_SECONDS: Final = 3.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, sock_connect=5)

NewLot = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Reporting:
    """Who tells which origins (base URLs, the first that takes it), and how often."""

    identity: Identity
    origins: tuple[str, ...]
    seconds: float


def lot_names() -> NewLot:
    """Names of lots: chance at the start, then a number, by which origins know what they had."""
    life = secrets.token_hex(12)
    number = 0

    def name() -> str:
        nonlocal number
        number += 1
        return f"{life}-{number}"

    return name


class Bookkeeping:
    """Of one worker. Without origins there is nobody to tell, and nothing is kept.

    `absorb` has everything that was sent until now in the ledger.
    """

    def __init__(
        self,
        ledger: Ledger,
        absorb: Callable[[], object],
        reporting: Reporting,
        now: Callable[[], float],
        new_lot: NewLot,
    ) -> None:
        self._ledger = ledger
        self._absorb = absorb
        self._reporting = reporting
        self._now = now
        self._new_lot = new_lot
        self._lot: dict[str, Any] | None = None
        self._is_refused = False
        self._log = structlog.get_logger("edge.bookkeeping")

    def adopt(self, reporting: Reporting) -> None:
        """From now on report so."""
        self._reporting = reporting

    def tick(self) -> None:
        """Once a second: see what day it is."""
        now = self._now()
        if self._ledger.is_over(now):
            # What was sent until now belongs to the day that ends.
            self._absorb()
            self._ledger.roll(now)

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            await asyncio.sleep(self._reporting.seconds)
            await self.report()

    async def close(self) -> None:
        """Report what is left, if an origin takes it soon."""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self.report()
        except TimeoutError:
            self._log.warning("the last bytes of titles were not reported")

    async def report(self) -> bool:
        """Send all that was counted; False when it has to wait."""
        self._absorb()
        reporting = self._reporting
        if not reporting.origins:
            while self._ledger.take(LOT_ROWS_MAX):
                pass
            return True
        try:
            session = reporting.identity.session()
        except CinedgeError as error:
            # A file of authorities that is just being replaced: the next report tries again.
            self._log.warning("bytes of titles cannot be reported", detail=error.detail)
            return False
        async with session:
            while (lot := self._lot or self._next_lot(reporting.identity.edge)) is not None:
                self._lot = lot
                if not await self._send(session, lot):
                    return False
                self._lot = None
        return True

    def _next_lot(self, edge: str) -> dict[str, Any] | None:
        rows = self._ledger.take(LOT_ROWS_MAX)
        if not rows:
            return None
        said = [
            {"day": row.day, "title": row.title, "kind": row.traffic.value, "bytes": row.size_bytes}
            for row in rows
        ]
        return {"lot": self._new_lot(), "edge": edge, "rows": said}

    async def _send(self, session: aiohttp.ClientSession, lot: dict[str, Any]) -> bool:
        for origin in self._reporting.origins:
            url = origin.rstrip("/") + TRAFFIC_PATH
            try:
                async with session.post(url, json=lot, timeout=_TIMEOUT) as answer:
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError):
                continue
            if status < 300:
                self._is_refused = False
                return True
            if 400 <= status < 500 and status != 429 and not self._is_refused:
                self._is_refused = True
                self._log.warning("bytes of titles are refused", url=url, status=status)
        return False
