"""Header blocks that the strict parser has taken, as the fast lane compares them.

A connection remembers two: of a plain request, and of one with a single `Range: bytes=` line, cut
in two around the range. What one connection has had parsed another may `recall`: the parser would
say the same of the same bytes, and a full path of its own costs as much as dozens of hits. Fields
of CMCD differ in each request of a player and decide nothing, so they are left out of what is
remembered, and `without_cmcd` leaves them out of what is compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cdnkit.fields import FieldLines
from edge.access import TOKEN_COOKIE
from edge.connection import MATCHES_NOTHING
from edge.http1.fields import FIELDS_MAX
from edge.lanelog import client_text

if TYPE_CHECKING:
    from edge.connection import Connection
    from edge.http1.request import Request

BLOCK_BYTES_MAX: Final = 3072
"""A longer header block is no player's, and every connection may remember its own."""
_BLOCKS_MAX: Final = 4096
_RANGE: Final = b"\r\nRange: bytes="
_END: Final = b"\r\n\r\n"
_CMCD_LINE: Final = re.compile(
    rb"\r\nCMCD-(?:Object|Request|Session|Status):[\x20-\x7e]*+(?=\r\n)", re.IGNORECASE
)
"""A whole field line (CTA-5004 2) that the strict parser takes wherever a line may stand."""
_DECISIVE: Final = frozenset(
    {
        b"if-range",
        b"if-match",
        b"if-none-match",
        b"if-modified-since",
        b"if-unmodified-since",
        b"content-length",
        b"transfer-encoding",
        b"expect",
        b"upgrade",
        b"te",
        b"via",
        b"cdn-loop",
        b"x-request-id",
        b"cache-control",
        b"pragma",
    }
)
"""Fields that may change the answer: a block with one of them is never remembered."""


class HeadBlocks:
    """One copy of each block, however many connections remember it."""

    def __init__(self) -> None:
        self._blocks: dict[bytes, bytes] = {}
        self._taken: dict[tuple[bytes, bytes], str | None] = {}

    def __len__(self) -> int:
        return len(self._blocks)

    def remember(self, connection: Connection, head: bytes, request: Request) -> None:
        """Remember the block of a head (without its end), if nothing in it decides."""
        if request.method != b"GET" or not request.minor_version or not request.keep_alive:
            return
        start = head.index(b" ", 4)
        if len(head) - start > BLOCK_BYTES_MAX:
            return
        block = head[start:] + _END
        if block == connection.plain:
            return
        fields = request.fields
        if any(name in fields for name in _DECISIVE):
            return
        if (fields.first(b"connection") or b"keep-alive").lower() != b"keep-alive":
            return
        if any(TOKEN_COOKIE in line for line in fields.lines(b"cookie")):
            # A token is checked wherever it is given, for paths that ask for none too.
            return
        stripped = _CMCD_LINE.sub(b"", block)
        tells = stripped != block or b"CMCD=" in head[:start]
        connection.sends_cmcd = connection.sends_cmcd or tells
        self._keep(connection, stripped, fields)

    def recall(self, connection: Connection, block: bytes) -> bool:
        """Remember a block, all behind the target, if another connection has had it parsed.

        Its fields are then byte for byte the same, save for the value of the one range.
        """
        parts = _parts(block)
        if parts not in self._taken:
            return False
        self._give(connection, parts, self._taken[parts])
        return True

    def _keep(self, connection: Connection, block: bytes, fields: FieldLines) -> None:
        parts = _parts(block)
        if len(fields.lines(b"range")) != bool(parts[1]):
            return
        if len(self._taken) >= _BLOCKS_MAX:
            self._taken.clear()
        parts = self._shared(parts[0]), self._shared(parts[1])
        agent = fields.text(b"user-agent")
        self._taken[parts] = agent
        self._give(connection, parts, agent)

    def _give(self, connection: Connection, parts: tuple[bytes, bytes], agent: str | None) -> None:
        _introduce(connection, agent)
        before, after = self._shared(parts[0]), self._shared(parts[1])
        if after:
            connection.before, connection.before_size = before, len(before)
            connection.after, connection.after_size = after, len(after)
        else:
            connection.plain, connection.plain_size = before, len(before)

    def _shared(self, block: bytes) -> bytes:
        if len(self._blocks) >= _BLOCKS_MAX:
            self._blocks.clear()
        return self._blocks.setdefault(block, block)


def without_cmcd(data: bytes) -> bytes:
    """A request's bytes without its CMCD lines, for comparison; as they are if that proves nothing.

    What is taken out are whole lines of printable text between two line ends, and `data` has no
    empty line before its end, so the parser would take each for a field of this head. Their number
    is bounded as the parser bounds it.
    """
    if data.find(_END) != len(data) - len(_END) or data.count(b"\r\n") > FIELDS_MAX:
        return data
    return _CMCD_LINE.sub(b"", data)


def _parts(block: bytes) -> tuple[bytes, bytes]:
    """A block up to the value of its range and from that value's end; all and nothing without."""
    start = block.find(_RANGE)
    if start < 0:
        return block, b""
    start += len(_RANGE)
    stop = block.find(b"\r\n", start)
    return (block, b"") if stop < 0 else (block[:start], block[stop:])


def _introduce(connection: Connection, agent: str | None) -> None:
    """Who is asking, as the log says it; blocks of two players are not remembered together."""
    client = client_text(connection.peer, agent)
    if client != connection.client:
        connection.client = client
        connection.plain = connection.before = connection.after = MATCHES_NOTHING
        connection.plain_size = -1
