"""An origin with one generated film: every byte says its place and its version, every fault is due.

Give `serve` to an origin as a script. The film is never in memory; `sent` counts what went out by
block, so that a test can say how often each was asked for.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

_PIECE_BYTES = 16 * 1024
_WORD_BYTES = 8
_VERSION_SHIFT = 40


class AskedLike(Protocol):
    """What of a request decides the answer."""

    method: str
    fields: dict[str, str]


def film_bytes(version: int, start: int, stop: int) -> bytes:
    """Bytes [start, stop) of a version: each 8-byte word is its number, with the version on top."""
    first, last = start // _WORD_BYTES, -(-stop // _WORD_BYTES)
    base = version << _VERSION_SHIFT
    words = array("Q", range(base + first, base + last)).tobytes()
    return words[start - first * _WORD_BYTES : stop - first * _WORD_BYTES]


def is_one_version(body: bytes, start: int, versions: range) -> bool:
    """Are these the bytes from `start` on of one and the same version?"""
    return any(body == film_bytes(version, start, start + len(body)) for version in versions)


@dataclass(slots=True)
class FilmOrigin:
    """Serves the film; change its fields to change what the origin does from then on.

    `holds` maps offsets to events before which no byte from that offset on is sent. `cuts` are
    offsets at which a connection breaks, one cut each. `validator` makes the lines that name the
    version.
    """

    size_bytes: int
    block_bytes: int
    version: int = 1
    ranges: bool = True
    etag: str | None = '"v{version}-{size}"'
    honours_if_match: bool = True
    chunked: bool = False
    lines: tuple[str, ...] = ("Cache-Control: max-age=3600", "Content-Type: video/mp4")
    status: str = ""
    content_range: str = ""
    holds: dict[int, asyncio.Event] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    sent: Counter[int] = field(default_factory=Counter)
    open_answers: int = 0

    async def serve(
        self, asked: AskedLike, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request."""
        wanted = asked.fields.get("range", "")
        self.requests.append(wanted)
        self.open_answers += 1
        try:
            await self._answer(asked, wanted, writer)
        except ConnectionError:
            writer.close()
        finally:
            self.open_answers -= 1

    @property
    def sent_bytes(self) -> int:
        """Content bytes handed to the system."""
        return sum(self.sent.values())

    def tag(self) -> str | None:
        """The entity tag of the present version."""
        return self.etag and self.etag.format(version=self.version, size=self.size_bytes)

    async def _answer(self, asked: AskedLike, wanted: str, writer: asyncio.StreamWriter) -> None:
        tag, size, version = self.tag(), self.size_bytes, self.version
        lines = [*self.lines, *([f"ETag: {tag}"] if tag else [])]
        if self.status:
            writer.write(_head(self.status, [*lines, "Content-Length: 0"]))
            return
        if self.honours_if_match and "if-match" in asked.fields and asked.fields["if-match"] != tag:
            writer.write(_head("412 Precondition Failed", [*lines, "Content-Length: 0"]))
            return
        if tag and asked.fields.get("if-none-match") == tag:
            writer.write(_head("304 Not Modified", lines))
            return
        start, stop, status = 0, size, "200 OK"
        if self.ranges and wanted.startswith("bytes="):
            first, _, last = wanted[6:].partition("-")
            start, stop = int(first), min(int(last) + 1, size)
            if start >= size:
                lines.append(f"Content-Range: bytes */{size}")
                writer.write(_head("416 Range Not Satisfiable", [*lines, "Content-Length: 0"]))
                return
            status = "206 Partial Content"
            said = self.content_range or f"bytes {start}-{stop - 1}/{size}"
            lines.append(f"Content-Range: {said}")
        lines.append(
            "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {stop - start}"
        )
        writer.write(_head(status, lines))
        await self._send(version, start, stop, writer)

    async def _send(
        self, version: int, start: int, stop: int, writer: asyncio.StreamWriter
    ) -> None:
        position = start
        while position < stop:
            if position in self.cuts:
                self.cuts.remove(position)
                await writer.drain()
                writer.close()
                return
            hold = self.holds.get(position)
            if hold is not None:
                await writer.drain()
                await hold.wait()
            block_stop = (position // self.block_bytes + 1) * self.block_bytes
            marks = [m for m in (*self.holds, *self.cuts, block_stop, stop) if m > position]
            until = min(position + _PIECE_BYTES, *marks)
            piece = film_bytes(version, position, until)
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece)
            await writer.drain()
            self.sent[position // self.block_bytes] += len(piece)
            position = until
        if self.chunked:
            writer.write(b"0\r\n\r\n")


def _head(status: str, lines: list[str]) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")
