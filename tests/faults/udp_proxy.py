"""A line of UDP on which datagrams get lost or come late, in the process of a test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random
from typing import Any, Final

from tests.faults.link import Weather

HOST: Final = "127.0.0.1"
_Address = tuple[str, int]


class UdpProxy(asyncio.DatagramProtocol):
    """Passes datagrams to `target_port`, each client by a socket of its own.

    `chance` decides which are lost; a stalled line loses all. `lost` counts them, `questions_lost`
    those of them that were on their way to the target.
    """

    def __init__(self, target_port: int, chance: Random) -> None:
        self.target_port = target_port
        self.weather = Weather()
        self.port = 0
        self.passed = 0
        self.lost = 0
        self.questions_lost = 0
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._front: asyncio.DatagramTransport | None = None
        self._behind: dict[_Address, asyncio.Task[asyncio.DatagramTransport]] = {}

    def connection_made(self, transport: Any) -> None:
        self._front = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: _Address | Any) -> None:
        if addr not in self._behind:
            self._behind[addr] = self._loop.create_task(self._open(addr))
        self._behind[addr].add_done_callback(lambda opened: self._pass(opened.result(), data))

    def answered(self, data: bytes, client: _Address) -> None:
        """What the server has sent for one client."""
        assert self._front is not None
        self._pass(self._front, data, client)

    def close(self) -> None:
        """Close every socket."""
        for opened in self._behind.values():
            if opened.done():
                opened.result().close()
            else:
                opened.cancel()
        assert self._front is not None
        self._front.close()

    async def _open(self, client: _Address) -> asyncio.DatagramTransport:
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Answers(self, client), remote_addr=(HOST, self.target_port)
        )
        return transport

    def _pass(
        self, to: asyncio.DatagramTransport, data: bytes, client: _Address | None = None
    ) -> None:
        if self.weather.stalled or self._chance.random() < self.weather.loss:
            self.lost += 1
            self.questions_lost += client is None
            return
        self.passed += 1
        self._loop.call_later(self.weather.delay_seconds, _send, to, data, client)


class _Answers(asyncio.DatagramProtocol):
    """What comes back for one client."""

    def __init__(self, proxy: UdpProxy, client: _Address) -> None:
        self._proxy = proxy
        self._client = client

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._proxy.answered(data, self._client)


def _send(to: asyncio.DatagramTransport, data: bytes, client: _Address | None) -> None:
    if not to.is_closing():
        to.sendto(data, client)


@contextlib.asynccontextmanager
async def udp_proxy(target_port: int, chance: Random) -> AsyncIterator[UdpProxy]:
    """A line to a port of loopback, on a free port."""
    loop = asyncio.get_running_loop()
    _, proxy = await loop.create_datagram_endpoint(
        lambda: UdpProxy(target_port, chance), local_addr=(HOST, 0)
    )
    try:
        yield proxy
    finally:
        proxy.close()
