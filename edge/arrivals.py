"""Requests that wait beside one with the same head: found by its bytes, before they are parsed.

Whether others may share the course of a request is not known when it comes. So its like waits
until it has been looked at, which is the loop's next turn, and goes on by itself unless the
request has said by then what it waits for (`edge.gathering`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.gathering import Exchange, Gathering, Request
from edge.http1.request import parse_request

if TYPE_CHECKING:
    from edge.connection import Connection


class Arrivals:
    """Those of one server. `begin` has a request handled, `remember` is the fast lane's."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        begin: Callable[[Exchange], None],
        remember: Callable[[Connection, bytes, Request], None],
    ) -> None:
        self._by_head: dict[bytes, Gathering] = {}
        self._loop = loop
        self._begin = begin
        self._remember = remember

    def beside(self, connection: Connection, head: bytes) -> Gathering | None:
        """Where a request on this connection may wait."""
        gathering = self._by_head.get(head)
        return gathering if gathering is not None and gathering.takes(connection) else None

    def came(self, exchange: Exchange) -> None:
        """A request has begun that others may wait beside, for a turn at least."""
        if exchange.head.startswith(b"GET ") and not exchange.connection.neighbour:
            exchange.gathering = self._by_head[exchange.head] = Gathering(exchange.request)
            self._loop.call_soon(self._look, exchange, exchange.gathering)

    def forget(self, head: bytes, gathering: Gathering) -> None:
        """Nobody else is to wait there."""
        if self._by_head.get(head) is gathering:
            del self._by_head[head]

    def _look(self, exchange: Exchange, gathering: Gathering) -> None:
        if gathering.asking is not None:
            return
        self.forget(exchange.head, gathering)
        # It may learn later, after a wait, what it asks for; the others are on their own way then.
        exchange.gathering = None
        for other in gathering.exchanges:
            # What the first of them had may have been changed on its course.
            other.request = parse_request(other.head)
            self._remember(other.connection, other.head, other.request)
            self._begin(other)
