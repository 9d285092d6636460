"""One player: asks where to go, goes there, takes pieces at its film's pace, and looks at them."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from scripts.benchmark.launch import HOST
from scripts.benchmark.players.content import bytes_of
from scripts.benchmark.players.evening import Film, Programme, pieces_of_session
from scripts.benchmark.players.notes import Notes, Start

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_LOCATION: Final = re.compile(rb"\r\nlocation: *([^\r]+)", re.IGNORECASE)
_PATIENCE_SECONDS: Final = 30.0
_AGAIN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How large a piece is, and how long it plays."""

    piece_bytes: int
    piece_seconds: float


class LostError(Exception):
    """What came is not what was asked for."""


class Player:
    """Somebody at `address`; `notes` is where everybody's experience of this moment goes."""

    def __init__(
        self,
        address: str,
        router_port: int,
        programme: Programme,
        pace: Pace,
        chance: random.Random,
        notes: Callable[[], Notes],
    ) -> None:
        self._address = address
        self._router_port = router_port
        self._programme = programme
        self._pace = pace
        self._chance = chance
        self._notes = notes

    async def watch(self, until: float) -> None:
        """Film after film, until the loop's clock says `until`."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            try:
                await self._session(self._programme.pick(self._chance), until)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, LostError) as error:
                self._notes().problems[str(error) or type(error).__name__] += 1
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _session(self, film: Film, until: float) -> None:
        loop = asyncio.get_running_loop()
        wished = due = loop.time()
        url = urlsplit(await self._sent_to(film))
        sent = loop.time()
        reader, writer = await self._connect(url.hostname or HOST, url.port or 80)
        try:
            is_first, before = True, -1
            for piece in pieces_of_session(film, self._chance):
                asked = loop.time()
                await self._take(film, piece, f"{url.path}?{url.query}", reader, writer)
                now, notes = loop.time(), self._notes()
                notes.pieces.append(now - asked)
                notes.late += not is_first and now > due + self._pace.piece_seconds
                notes.seeks += not is_first and piece != before + 1
                if is_first:
                    notes.starts.append(now - wished)
                    notes.steps.append(Start(sent - wished, asked - sent, now - asked))
                    due, is_first = now, False
                before = piece
                due += self._pace.piece_seconds
                if due >= until:
                    return
                await asyncio.sleep(due - loop.time())
        finally:
            writer.close()

    async def _sent_to(self, film: Film) -> str:
        reader, writer = await self._connect(HOST, self._router_port)
        try:
            writer.write(f"GET {film.path} HTTP/1.1\r\nHost: films\r\n\r\n".encode())
            head = await _head(reader)
        finally:
            writer.close()
        found = _LOCATION.search(head)
        if found is None:
            raise LostError(f"the router says {head[:12].decode('latin-1')}")
        return found[1].decode()

    async def _take(
        self,
        film: Film,
        piece: int,
        target: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        start = piece * self._pace.piece_bytes
        stop = start + self._pace.piece_bytes
        line = f"GET {target.rstrip('?')} HTTP/1.1\r\nHost: films\r\n"
        writer.write(f"{line}Range: bytes={start}-{stop - 1}\r\n\r\n".encode())
        head = await _head(reader)
        found = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 206") or found is None:
            raise LostError(f"an edge says {head[:12].decode('latin-1')}")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            body = await reader.readexactly(int(found[1]))
        if body != bytes_of(film.number, start, stop):
            raise LostError("other bytes than the film's")

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await asyncio.open_connection(host, port, local_addr=(self._address, 0))


async def _head(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        return await reader.readuntil(b"\r\n\r\n")
