"""Fetches what players say they will ask for next, while they stay and there is room for it.

One hint of a connection at a time and a few of a worker: whatever comes beyond is passed over, for
a viewer who asks is served as well without. A hint gives no access: what it names must be allowed
to the request that carries it. Requests that the fast lane answers bring no hints.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

from cdnkit.errors import CinedgeError
from cdnkit.tokens import check_claims
from edge.cmcd import read_cmcd
from edge.exchange import Exchange
from edge.hints import Hint, hint_of
from edge.routing import Routing
from edge.teacher import Matched, Told
from edge.warming import Wanted, Warming

HINTS_MAX: Final = 8
"""Followed at once by a worker."""


class Hinting:
    """Follows the hints of one worker's viewers."""

    def __init__(
        self, routing: Routing, warming: Warming, now: Callable[[], float] = time.time
    ) -> None:
        self.routing = routing
        self._warming = warming
        self._now = now
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, exchange: Exchange, told: Told, matched: Matched) -> None:
        """Look at a request that was let in."""
        request, connection = exchange.request, exchange.connection
        if b"cmcd-request" not in request.fields and b"CMCD=" not in request.target:
            return
        if connection.hint is not None or len(self._tasks) >= HINTS_MAX:
            return
        hint = hint_of(matched.target, read_cmcd(request))
        if hint is None or not self._is_allowed(exchange, told, matched, hint):
            return
        wanted = Wanted(hint.target, hint.stop, hint.start)
        if self._warming.is_at_hand(wanted):
            return
        connection.hint = task = asyncio.ensure_future(self._follow(wanted))
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            connection.hint = None

        task.add_done_callback(done)

    def _is_allowed(self, exchange: Exchange, told: Told, matched: Matched, hint: Hint) -> bool:
        try:
            following = self.routing.match(hint.target)
            if told.claims is not None:
                path = hint.target.partition(b"?")[0].decode("latin-1")
                peer = exchange.connection.peer
                check_claims(told.claims, path, self._now(), peer, judges_country=False)
        except CinedgeError:
            return False
        # Nothing was taken out: the path is the key.
        return following.rule is matched.rule and following.target == hint.target

    async def _follow(self, wanted: Wanted) -> None:
        with contextlib.suppress(CinedgeError):
            await self._warming.fetch(wanted)
