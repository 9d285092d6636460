"""One stream of messages between two workers: JSON lists, a line each, in order and in batches.

A batch leaves once per turn of the loop. Both ends count, so that who is told elsewhere "as of my
400th message" can wait for that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final, cast

UNREAD_BYTES_MAX: Final = 64 * 1024 * 1024
"""A neighbour that reads nothing for so long has stopped: it will begin anew."""

Message = list[Any]


class LinkLostError(Exception):
    """The other worker has ended, or does not read any more."""


class Link(asyncio.Protocol):
    """`on_message(link, message)` gets each message, `on_lost(link)` the end."""

    def __init__(
        self, on_message: Callable[[Link, Message], None], on_lost: Callable[[Link], None]
    ) -> None:
        self.worker = -1
        self.sent = 0
        self.received = 0
        self.closed = False
        self.lost = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self._on_message = on_message
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._rest = b""
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def send(self, *message: Any) -> None:
        """Say something; what is said to a link that is lost is gone."""
        self.sent += 1
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def reached(self, count: int) -> None:
        """Wait until `count` messages have come and were acted on. Raises LinkLostError."""
        if self.closed:
            raise LinkLostError
        if self.received < count:
            arrival: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append((count, arrival))
            await arrival

    def close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=UNREAD_BYTES_MAX)

    def pause_writing(self) -> None:
        self.close()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_message(self, json.loads(line))
            self.received += 1
        if self._waiting:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        waiting, self._waiting = self._waiting, []
        for _, arrival in waiting:
            if not arrival.done():
                arrival.set_exception(LinkLostError())
        self._on_lost(self)
        if not self.lost.done():
            self.lost.set_result(None)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is not None and not self.closed:
            self._transport.write(b"".join(unsent))

    def _wake(self) -> None:
        due = [arrival for count, arrival in self._waiting if count <= self.received]
        self._waiting = [each for each in self._waiting if each[0] > self.received]
        for arrival in due:
            if not arrival.done():
                arrival.set_result(None)
