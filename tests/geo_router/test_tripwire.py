"""An end is told at once; an edge that keeps no connection is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from yarl import URL

from geo_router.tripwire import Patience, until_it_ends

STANDS = Patience(renew_seconds=0.05, pause_seconds=30, standing_seconds=0.0)


class Door:
    """Takes connections and keeps them, or not."""

    def __init__(self) -> None:
        self.keeps = True
        self.open: list[asyncio.StreamWriter] = []
        self.taken = 0
        self.came = asyncio.Condition()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self.came:
            self.taken += 1
            if self.keeps:
                self.open.append(writer)
            else:
                writer.close()
            self.came.notify_all()

    async def until_taken(self, times: int) -> None:
        async with self.came:
            await self.came.wait_for(lambda: self.taken >= times)

    def cut(self) -> None:
        for writer in self.open:
            writer.transport.abort()


@asynccontextmanager
async def door() -> AsyncIterator[tuple[Door, URL, asyncio.Server]]:
    opened = Door()
    server = await asyncio.start_server(opened.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(20):
            yield opened, URL(f"http://127.0.0.1:{port}"), server
    finally:
        opened.cut()
        server.close()


async def test_the_end_of_a_connection_is_told() -> None:
    async with door() as (opened, url, _):
        wire = asyncio.create_task(until_it_ends(url, Patience(standing_seconds=0.0)))
        await opened.until_taken(1)
        assert not wire.done()
        opened.cut()
        await wire


async def test_a_connection_is_renewed_before_the_edge_tires_of_it() -> None:
    async with door() as (opened, url, server):
        wire = asyncio.create_task(until_it_ends(url, STANDS))
        await opened.until_taken(3)
        assert not wire.done()
        server.close()
        opened.cut()
        await wire


@pytest.mark.parametrize("is_there", [True, False])
async def test_an_edge_that_keeps_none_is_left_alone(is_there: bool) -> None:
    async with door() as (opened, url, server):
        opened.keeps = False
        if not is_there:
            server.close()
        hasty = Patience(pause_seconds=0.01, standing_seconds=10)
        wire = asyncio.create_task(until_it_ends(url, hasty))
        if is_there:
            await opened.until_taken(3)
        else:
            done, _ = await asyncio.wait({wire}, timeout=0.1)
            assert not done
        assert not wire.done()
        wire.cancel()
