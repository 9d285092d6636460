"""Bodies received past aiohttp, over real connections and on both event loops, because each pauses
and polls in its own way: the bytes are right, and the connection goes on as if aiohttp had read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
from aiohttp import web

from cdnkit.errors import CinedgeError, IncompleteBodyError
from cdnkit.service.app import build_app
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from cdnkit.service.run import serve
from origin.ingest.inlet import LEAST_BYTES
from origin.ingest.receive import long_body_of
from origin.store.piece_memory import PiecePool, is_free
from origin.store.sums import PIECE_BYTES
from tests.helpers.event_loops import LOOPS, Main, run_on

BODY = os.urandom(3 * PIECE_BYTES + 17)


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Main], None]:
    """Run a coroutine function on either loop."""
    return partial(run_on, request.param, seconds=8)


class Taker:
    """A server that takes bodies of PUT, and a client's connection to it."""

    def __init__(self, silence_seconds: float, enough_bytes: int) -> None:
        self.pieces: asyncio.Queue[bytes | BaseException] = asyncio.Queue()
        self._silence_seconds = silence_seconds
        self._enough_bytes = enough_bytes
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def put(self, request: web.Request) -> web.Response:
        taken = 0
        with long_body_of(request, self._silence_seconds) as read:
            try:
                while piece := await read():
                    self.pieces.put_nowait(bytes(piece))
                    taken += len(piece)
                    piece = b""
                    if taken >= self._enough_bytes:
                        return web.Response(status=507)
            except (CinedgeError, asyncio.CancelledError) as error:
                self.pieces.put_nowait(error)
                raise
        return web.Response(text=str(taken))

    async def taken(self, size_bytes: int) -> list[bytes]:
        """Pieces, once they have so many bytes."""
        pieces: list[bytes] = []
        while sum(map(len, pieces)) < size_bytes:
            piece = await self.pieces.get()
            assert isinstance(piece, bytes), piece
            pieces.append(piece)
        return pieces

    async def status(self) -> int:
        """Of the next answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await self.reader.readexactly(int(length))
        return int(head.split()[1])


def put_of(body_bytes: int) -> bytes:
    return f"PUT /film HTTP/1.1\r\nHost: a\r\nContent-Length: {body_bytes}\r\n\r\n".encode()


@asynccontextmanager
async def taker(
    silence_seconds: float = 10.0, enough_bytes: int = 1 << 40, grace_seconds: float = 5.0
) -> AsyncIterator[Taker]:
    made = Taker(silence_seconds, enough_bytes)
    app = build_app(
        tier="origin",
        name="o",
        telemetry=Telemetry("origin", "o"),
        health=Health(),
        routes=[web.put("/film", made.put)],
    )
    async with serve(app, "127.0.0.1", 0, grace_seconds=grace_seconds) as listening:
        made.reader, made.writer = await asyncio.open_connection("127.0.0.1", listening.port)
        yield made
    made.writer.close()


def test_pieces_end_where_mebibytes_end_and_the_connection_goes_on(
    run: Callable[[Main], None],
) -> None:
    async def main() -> None:
        async with taker() as peer:
            for _ in range(3):
                # All at once: a body, and the head and body that follow it.
                peer.writer.write(put_of(len(BODY)) + BODY + put_of(5) + b"hello")
                pieces = await peer.taken(len(BODY) + 5)
                assert b"".join(pieces) == BODY + b"hello"
                ends, end = set(), 0
                for piece in pieces:
                    assert len(piece) <= PIECE_BYTES
                    end += len(piece)
                    ends.add(end)
                assert {2 * PIECE_BYTES, 3 * PIECE_BYTES, len(BODY)} <= ends
                assert [await peer.status(), await peer.status()] == [200, 200]

    run(main)


@pytest.mark.parametrize("size_bytes", [0, 1, LEAST_BYTES - 1, LEAST_BYTES, PIECE_BYTES])
def test_bodies_of_any_length_are_received(run: Callable[[Main], None], size_bytes: int) -> None:
    async def main() -> None:
        async with taker() as peer:
            for _ in range(2):
                peer.writer.write(put_of(size_bytes))
                await peer.writer.drain()
                peer.writer.write(BODY[:size_bytes])
                assert await peer.status() == 200
                assert b"".join(await peer.taken(size_bytes)) == BODY[:size_bytes]

    run(main)


def test_what_came_before_the_silence_is_received_and_then_the_silence_is_told(
    run: Callable[[Main], None],
) -> None:
    async def main() -> None:
        async with taker(silence_seconds=0.2) as peer:
            peer.writer.write(put_of(len(BODY)) + BODY[:-1000])
            assert b"".join(await peer.taken(len(BODY) - 1000)) == BODY[:-1000]
            error = await peer.pieces.get()
            assert isinstance(error, IncompleteBodyError)
            assert "not one byte" in str(error)
            assert await peer.status() == 400

    run(main)


def test_a_slow_client_is_not_a_silent_one(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with taker(silence_seconds=0.15) as peer:
            peer.writer.write(put_of(PIECE_BYTES))
            for at in range(0, PIECE_BYTES, PIECE_BYTES // 8):
                peer.writer.write(BODY[at : at + PIECE_BYTES // 8])
                # Longer in all than the silence that is put up with.
                await asyncio.sleep(0.08)
            assert await peer.status() == 200

    run(main)


def test_no_memory_waits_for_what_has_not_come(
    run: Callable[[Main], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = PiecePool()
    monkeypatch.setattr("origin.ingest.inlet.PIECES", pool)

    async def main() -> None:
        async with taker() as peer:
            peer.writer.write(put_of(len(BODY)) + BODY[: 2 * PIECE_BYTES])
            await peer.taken(2 * PIECE_BYTES)
            for _ in range(1000):
                if all(map(is_free, pool._kept)):
                    break
                await asyncio.sleep(0)
            assert [is_free(memory) for memory in pool._kept] == [True]
            peer.writer.write(BODY[2 * PIECE_BYTES :])
            assert await peer.status() == 200
            assert b"".join(await peer.taken(PIECE_BYTES + 17)) == BODY[2 * PIECE_BYTES :]

    run(main)


@pytest.mark.parametrize("ending", ["closed", "reset"])
def test_a_cut_connection_ends_the_body(run: Callable[[Main], None], ending: str) -> None:
    async def main() -> None:
        async with taker() as peer:
            peer.writer.write(put_of(len(BODY)) + BODY[:PIECE_BYTES])
            await peer.taken(PIECE_BYTES)
            if ending == "reset":
                peer.writer.transport.abort()
            else:
                peer.writer.close()
            # The server ends the request of a client that has left.
            assert isinstance(await peer.pieces.get(), asyncio.CancelledError)

    run(main)


def test_a_body_refused_in_the_middle_is_dropped_and_the_next_request_answered(
    run: Callable[[Main], None],
) -> None:
    async def main() -> None:
        async with taker(enough_bytes=PIECE_BYTES) as peer:
            peer.writer.write(put_of(len(BODY)) + BODY + put_of(5) + b"hello")
            assert [await peer.status(), await peer.status()] == [507, 200]

    run(main)


def test_stopping_the_server_ends_a_body_that_does_not_come(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with taker(silence_seconds=60.0, grace_seconds=0.1) as peer:
            peer.writer.write(put_of(len(BODY)) + BODY[:PIECE_BYTES])
            await peer.taken(PIECE_BYTES)
        assert isinstance(await peer.pieces.get(), asyncio.CancelledError)

    run(main)
