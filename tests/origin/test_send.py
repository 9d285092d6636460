"""Files to sockets beside a transport: everything arrives, and a client that stalls or leaves ends
it. On both event loops, because uvloop polls and buffers in its own way."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from cdnkit.errors import UnavailableError
from origin.send import Outlet, open_outlet
from origin.store.base import OpenSlice
from tests.helpers.event_loops import LOOPS, Main, run_on

SIZE_BYTES = 8 * 1024 * 1024
DATA = os.urandom(1024) * (SIZE_BYTES // 1024)
STALL_SECONDS = 0.05


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Main], None]:
    """Run a coroutine function on either loop."""
    return partial(run_on, request.param)


@pytest.fixture
def film(tmp_path: Path) -> Any:
    path = tmp_path / "film"
    path.write_bytes(DATA)
    fd = os.open(path, os.O_RDWR)
    yield fd
    os.close(fd)


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[asyncio.Transport, asyncio.StreamReader]]:
    """A connected pair: the server's transport, the client's reader."""
    accepted: asyncio.Future[asyncio.Transport] = asyncio.get_running_loop().create_future()

    class Accepting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            # Not told apart by isinstance: uvloop's transports are of no asyncio class.
            accepted.set_result(cast(asyncio.Transport, transport))

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Accepting, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    reader, writer = await asyncio.open_connection(host, port, limit=64 * 1024)
    transport = await accepted
    try:
        yield transport, reader
    finally:
        writer.close()
        transport.abort()
        server.close()


def outlet_of(
    transport: asyncio.Transport, counted: list[int], stall_seconds: float = 30.0
) -> Outlet:
    outlet = open_outlet(transport, stall_seconds, counted.append)
    assert outlet is not None
    return outlet


class Film:
    """A lease of intervals of one file; when that is at its end, of `spare`."""

    def __init__(self, fd: int, *intervals: tuple[int, int], spare: int | None = None) -> None:
        self.fd = fd
        self.intervals = intervals
        self.spare = spare
        self.asked: list[tuple[int, int, int]] = []

    @property
    def slices(self) -> list[OpenSlice]:
        return [OpenSlice(self.fd, start, stop) for start, stop in self.intervals]

    def is_ready(self, position: int, start: int, stop: int) -> bool:
        return start > 0

    async def make_ready(self, position: int, start: int, stop: int) -> None:
        self.asked.append((position, start, stop))

    async def replace(self, position: int) -> None:
        if self.spare is None:
            raise UnavailableError("no copy is left")
        self.fd = self.spare

    def release(self) -> None:
        pass


async def send_often(outlet: Outlet, film: int) -> None:
    """More than any socket buffer holds."""
    for _ in range(100):
        await outlet.send(Film(film, (0, SIZE_BYTES)))


def test_bytes_of_transport_and_files_arrive_in_order(
    run: Callable[[Main], None], film: int
) -> None:
    async def main() -> None:
        async with connection() as (transport, reader):
            counted: list[int] = []

            async def send() -> None:
                with outlet_of(transport, counted) as outlet:
                    for intervals in [[(0, SIZE_BYTES), (5, 6)], [(3_000_000, 7_000_001)]]:
                        transport.write(b"head" * 100_000)
                        await outlet.flush()
                        lease = Film(film, *intervals)
                        await outlet.send(lease)
                        unready = [(0, 0, 1 << 20)] if intervals[0][0] == 0 else []
                        assert lease.asked == unready
                    assert sum(counted) == SIZE_BYTES + 1 + 4_000_001

            sending = asyncio.ensure_future(send())
            head = b"head" * 100_000
            wanted = head + DATA + DATA[5:6] + head + DATA[3_000_000:7_000_001]
            got = await reader.readexactly(len(wanted))
            await sending
            assert got == wanted

    run(main)


def test_a_client_that_takes_nothing_is_cut(run: Callable[[Main], None], film: int) -> None:
    async def main() -> None:
        async with connection() as (transport, _):
            with (
                outlet_of(transport, [], STALL_SECONDS) as outlet,
                pytest.raises(ConnectionResetError, match="took nothing"),
            ):
                await send_often(outlet, film)
            assert transport.is_closing()

    run(main)


def test_a_client_that_leaves_ends_it(run: Callable[[Main], None], film: int) -> None:
    async def main() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_accepted_socket(asyncio.Protocol, accepted)
        with outlet_of(transport, []) as outlet:
            await outlet.send(Film(film, (0, 1000)))
            client.close()  # with unread bytes: the peer is reset
            with pytest.raises(ConnectionResetError):
                await send_often(outlet, film)
        listener.close()

    run(main)


def test_descriptors_do_not_leak(run: Callable[[Main], None], film: int) -> None:
    async def main() -> None:
        async with connection() as (transport, reader):
            before = len(os.listdir("/proc/self/fd"))
            for _ in range(20):
                with outlet_of(transport, []) as outlet:
                    sending = asyncio.ensure_future(outlet.send(Film(film, (0, 6_000_000))))
                    await reader.readexactly(6_000_000)
                    await sending
            assert len(os.listdir("/proc/self/fd")) == before

    run(main)


def test_a_file_that_ends_early_is_replaced_where_it_ended(
    run: Callable[[Main], None], film: int, tmp_path: Path
) -> None:
    async def main() -> None:
        short = os.open(tmp_path / "film", os.O_RDWR)
        spare = os.open(tmp_path / "spare", os.O_RDWR | os.O_CREAT)
        os.pwrite(spare, DATA, 0)
        os.ftruncate(short, 5_000_100)
        async with connection() as (transport, reader):
            counted: list[int] = []
            with outlet_of(transport, counted) as outlet:
                await outlet.send(Film(short, (5_000_000, 5_001_000), spare=spare))
                assert await reader.readexactly(1000) == DATA[5_000_000:5_001_000]
                with pytest.raises(UnavailableError):
                    await outlet.send(Film(short, (5_000_000, 5_000_101)))
            assert sum(counted) == 1100
        os.close(short)
        os.close(spare)

    run(main)


async def test_there_is_no_way_past_tls_or_nothing() -> None:
    class Encrypted(asyncio.Transport):
        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return object() if name == "sslcontext" else default

    assert open_outlet(None, 1.0, lambda size_bytes: None) is None
    assert open_outlet(Encrypted(), 1.0, lambda size_bytes: None) is None
    assert open_outlet(asyncio.Transport(), 1.0, lambda size_bytes: None) is None
