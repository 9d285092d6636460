"""The line of UDP: every datagram passes whole, or is lost and counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from tests.faults.udp_proxy import HOST, UdpProxy, udp_proxy

LIMIT_SECONDS = 10.0


class Echo(asyncio.DatagramProtocol):
    transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)


class Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.received.put_nowait(data)


@asynccontextmanager
async def line() -> AsyncIterator[tuple[UdpProxy, asyncio.DatagramTransport, Client]]:
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(Echo, local_addr=(HOST, 0))
    async with udp_proxy(server.get_extra_info("sockname")[1], Random(3)) as proxy:
        sender, client = await loop.create_datagram_endpoint(Client, remote_addr=(HOST, proxy.port))
        try:
            yield proxy, sender, client
        finally:
            sender.close()
            server.close()


async def settled(proxy: UdpProxy, steps: Callable[[], int]) -> None:
    """Wait until so many datagrams were passed or lost, as it stands at each look."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while proxy.passed + proxy.lost < steps():  # noqa: ASYNC110 (the proxy tells nobody)
            await asyncio.sleep(0.005)


async def test_datagrams_pass_and_are_answered() -> None:
    async with line() as (proxy, sender, client):
        for number in range(20):
            sender.sendto(b"%d" % number)
        async with asyncio.timeout(LIMIT_SECONDS):
            answers = {await client.received.get() for _ in range(20)}
        assert answers == {b"%d" % number for number in range(20)}
        assert (proxy.passed, proxy.lost) == (40, 0)


async def test_a_share_of_them_is_lost_on_either_way() -> None:
    async with line() as (proxy, sender, client):
        proxy.weather.loss = 0.5
        sent = 200
        for _ in range(sent):
            sender.sendto(b"x")
        # A question that was lost has no answer that could be.
        await settled(proxy, lambda: sent + sent - proxy.questions_lost)
        assert 0 < client.received.qsize() < sent
        assert proxy.lost > sent // 4


async def test_a_stalled_line_loses_all_until_it_heals() -> None:
    async with line() as (proxy, sender, client):
        proxy.weather.stalled = True
        sender.sendto(b"lost")
        await settled(proxy, lambda: 1)
        assert proxy.lost == 1
        proxy.weather.stalled = False
        proxy.weather.delay_seconds = 0.05
        sender.sendto(b"late")
        async with asyncio.timeout(LIMIT_SECONDS):
            assert await client.received.get() == b"late"
