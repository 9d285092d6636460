"""An origin that counts the bytes of content it sends: films, and pieces of films by their URL.

`/films/…` answers ranges; `/pieces/…` is one block, for caches that cannot cut.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from scripts.benchmark.launch import HOST

BLOCK_BYTES: Final = 64 * 1024
_LINES: Final = b'ETag: "1"\r\nCache-Control: max-age=86400\r\nContent-Type: video/mp4\r\n'


class CountingOrigin:
    """Films of `blocks` blocks each; counts the bytes of content that it sends."""

    def __init__(self, blocks: int) -> None:
        self.size_bytes = blocks * BLOCK_BYTES
        self.sent_bytes = 0
        self._zeros = bytes(self.size_bytes)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its end."""
        gone = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*gone):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size_bytes = BLOCK_BYTES if b" /pieces/" in head else self.size_bytes
                start, stop, is_part = asked_range(head, size_bytes)
                writer.write(_head(start, stop, size_bytes, is_part))
                if not head.startswith(b"HEAD"):
                    writer.write(memoryview(self._zeros)[start:stop])
                    self.sent_bytes += stop - start
                await writer.drain()
        writer.close()


def asked_range(head: bytes, size_bytes: int) -> tuple[int, int, bool]:
    """What a request head asks for of an object, [start, stop), and whether it is a range."""
    _, found, rest = head.lower().partition(b"\r\nrange: bytes=")
    if not found:
        return 0, size_bytes, False
    first, _, last = rest.split(b"\r\n", 1)[0].partition(b"-")
    stop = int(last) + 1 if last else size_bytes
    return int(first), min(stop, size_bytes), True


def _head(start: int, stop: int, size_bytes: int, is_part: bool) -> bytes:
    if not is_part:
        return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (_LINES, stop)
    return (
        b"HTTP/1.1 206 Partial Content\r\n%bContent-Range: bytes %d-%d/%d\r\n"
        b"Content-Length: %d\r\n\r\n" % (_LINES, start, stop - 1, size_bytes, stop - start)
    )


@contextlib.asynccontextmanager
async def counting_origin(blocks: int) -> AsyncIterator[tuple[CountingOrigin, int]]:
    """A running origin and its port."""
    origin = CountingOrigin(blocks)
    server = await asyncio.start_server(origin.serve, HOST, 0)
    async with server:
        yield origin, server.sockets[0].getsockname()[1]
