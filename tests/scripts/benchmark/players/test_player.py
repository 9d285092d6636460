"""A player takes what it was promised and tells what it was not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from scripts.benchmark.players.content import bytes_of
from scripts.benchmark.players.evening import Film, Programme
from scripts.benchmark.players.notes import Notes
from scripts.benchmark.players.player import Pace, Player

PIECE = 1000


class Servers:
    """A router and an edge on one port: what is asked for under /at is content."""

    def __init__(self) -> None:
        self.port = 0
        self.film = 3
        self.status = b"206 Partial Content"
        self.sends_on = True
        self.serving: set[asyncio.Task[object] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                writer.write(self._answer(head))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, head: str) -> bytes:
        if not head.startswith("GET /at"):
            if not self.sends_on:
                return b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"
            to = b"http://127.0.0.1:%d/at/f?x=1" % self.port
            return b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % to
        first, last = head.partition("Range: bytes=")[2].partition("\r\n")[0].split("-")
        body = bytes(bytes_of(self.film, int(first), int(last) + 1))
        return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (self.status, len(body), body)


@asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    made = Servers()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    # What would end with the loop in the middle of a read is left for the collector, and told of
    # in other tests.
    await asyncio.wait(filter(None, made.serving))


async def evening(on: Servers, seconds: float) -> Notes:
    notes = Notes()
    programme = Programme([Film(3, "/f", 6)])
    pace = Pace(PIECE, 0.01)
    chance = random.Random(1)
    player = Player("127.0.0.1", on.port, programme, pace, chance, lambda: notes)
    await player.watch(asyncio.get_running_loop().time() + seconds)
    return notes


async def test_every_start_and_every_piece_is_noted() -> None:
    async with servers() as on:
        notes = await evening(on, 0.5)
    assert notes.problems == {}
    assert 0 < len(notes.starts) <= len(notes.pieces)
    assert all(each > 0 for each in notes.starts + notes.pieces)
    assert [each.seconds for each in notes.steps] == pytest.approx(notes.starts)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"film": 4}, "other bytes than the film's"),
        ({"status": b"200 OK"}, "an edge says HTTP/1.1 200"),
        ({"sends_on": False}, "the router says HTTP/1.1 503"),
    ],
)
async def test_what_is_not_the_film_is_a_problem(change: dict[str, object], told: str) -> None:
    async with servers() as on:
        for name, value in change.items():
            setattr(on, name, value)
        notes = await evening(on, 0.05)
    assert notes.problems == {told: 1}
