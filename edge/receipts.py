"""Receipts for orders, sent to the origin that gave them, in lots, until it has them.

What is said of an order replaces what was to be said before. When too many wait the oldest go: a
receipt that is lost shows as an edge that is late, and costs no viewer anything.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import structlog

from cdnkit.service.certificates import trusting_connector
from cdnkit.service.lasting import lasting
from cdnkit.wire import RECEIPTS_PATH, ReceiptState

_WAITING_MAX: Final = 10_000
_LOT: Final = 1_000
_RETRY_SECONDS: Final = 1.0
_TOLD_SECONDS_MAX: Final = 5.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, sock_connect=5)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks: worker `worker` of `workers` of an edge; `token` may be empty.

    `authorities` is the file with those it believes of an origin reached by https.
    """

    edge: str
    worker: int
    workers: int
    token: str
    authorities: str = ""

    def headers(self) -> dict[str, str]:
        """What proves it."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def session(self) -> aiohttp.ClientSession:
        """A session for questions to an origin. Raises AuthorityError."""
        connector = trusting_connector(self.authorities)
        return aiohttp.ClientSession(connector=connector, headers=self.headers())


class Receipts:
    """The receipts of one worker for one origin."""

    def __init__(self, origin_url: str, identity: Identity) -> None:
        self.origin = origin_url.rstrip("/")
        self._url = self.origin + RECEIPTS_PATH
        self._identity = identity
        self._waiting: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.is_over = False
        """Nobody sends any more what is to be said."""
        self._is_refused = False
        self._log = structlog.get_logger("edge.receipts")

    def say(
        self, order: str, state: ReceiptState, progress: Mapping[str, Any] | None = None
    ) -> None:
        """Have it told soon."""
        self._waiting[order] = {
            "order": order,
            "state": state.value,
            "progress": dict(progress or {}),
        }
        self._waiting.move_to_end(order)
        while len(self._waiting) > _WAITING_MAX:
            self._waiting.popitem(last=False)
        self._idle.clear()
        self._more.set()

    async def told(self) -> bool:
        """Whether the origin has what was said; waited for a while, or until nobody says it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TOLD_SECONDS_MAX):
                await self._idle.wait()
        return not self._waiting

    async def run(self) -> None:
        """Send what is to be said until cancelled."""
        try:
            await lasting("receipts", self._send_on)
        finally:
            self.is_over = True
            self._idle.set()

    async def _send_on(self) -> None:
        async with self._identity.session() as session:
            while True:
                await self._more.wait()
                await self._send_all(session)
                self._more.clear()

    async def _send_all(self, session: aiohttp.ClientSession) -> None:
        while self._waiting:
            if not await self._send(session):
                await asyncio.sleep(_RETRY_SECONDS)

    async def _send(self, session: aiohttp.ClientSession) -> bool:
        lot = list(self._waiting.items())[:_LOT]
        who = self._identity
        body = {
            "edge": who.edge,
            "worker": who.worker,
            "workers": who.workers,
            "receipts": [said for _, said in lot],
        }
        try:
            async with session.post(self._url, json=body, timeout=_TIMEOUT) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            return False
        if status >= 500 or status == 429:
            return False
        if status >= 400 and not self._is_refused:
            self._log.warning("receipts are refused", url=self._url, status=status)
        # Asking again would change nothing; the next order tries anew.
        self._is_refused = status >= 400
        for order, said in lot:
            if self._waiting.get(order) is said:
                del self._waiting[order]
        if not self._waiting:
            self._idle.set()
        return True
