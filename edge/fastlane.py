"""The fast lane: plain fresh hits, answered from remembered bytes without a coroutine.

A request qualifies when everything about it was seen before: its header block is byte-equal to one
that this connection has had fully parsed (only the path and the digits of one `Range: bytes=a-b`
may differ), its target was answered by the full path a moment ago as a plain hit, and every block
it touches, and the one behind them, is held. Nothing here is decided: the lane repeats decisions,
and `answer` returns False for whatever it cannot prove. Both lanes give the same bytes;
tests/edge/test_fastlane.py drives both with the same requests and compares.

Figures behind each shortcut: docs/benchmarks.md.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from os import sendfile, write
from typing import TYPE_CHECKING, Final

from edge.body import Progress
from edge.connection import Connection
from edge.entry import Entry
from edge.http1.request import Request

if TYPE_CHECKING:
    from edge.blockfile import BlockFile

LaneRecord = tuple["Hot", bytes, int, int, int, bool, int, float, float, bool]
"""(hot, client, number, start, stop, is_range, sent_bytes, at, seconds, complete): an answer for
the log. A bare tuple, because making a record object costs as much as comparing the head."""

COPIED_BYTES_MAX: Final = 8 * 1024
"""Up to here one write from memory beats sendfile."""
TARGETS_MAX: Final = 200_000
_BLOCKS_MAX: Final = 4096
LANE_MARGIN_SECONDS: Final = 2
"""The lane's clock ticks once a second: it hands over to the full path this much early."""
_RANGE: Final = b"\r\nRange: bytes="
_END: Final = b"\r\n\r\n"
_MORE: Final = socket.MSG_MORE | socket.MSG_NOSIGNAL

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


class Hot:
    """A target whose plain requests need no decision until `until` (coarse seconds)."""

    __slots__ = (
        "content",
        "entry",
        "head_200",
        "head_206",
        "log_part",
        "log_whole",
        "made_at",
        "session",
        "target",
        "until",
    )

    def __init__(self, target: bytes, entry: Entry, until: int, session: str) -> None:
        self.target = target
        self.entry = entry
        self.until = until
        self.session = session
        self.made_at = -1
        self.head_200 = b""
        self.head_206 = b""
        self.content: bytes | None = None
        self.log_part = b""
        self.log_whole = b""


class HeldBody:
    """The rest of an answer from held blocks: what the socket did not take at once."""

    __slots__ = ("_block_bytes", "_files", "_index", "_position", "_stop")

    def __init__(
        self, files: list[BlockFile], block_bytes: int, start_block: int, position: int, stop: int
    ) -> None:
        self._files = files
        self._block_bytes = block_bytes
        self._index = position // block_bytes - start_block
        self._position = position
        self._stop = stop

    def begin(self, connection: Connection) -> None:
        """The head has left already."""

    def advance(self, connection: Connection) -> Progress:
        if self._position >= self._stop:
            return Progress.DONE
        offset = self._position % self._block_bytes
        size = min(self._block_bytes - offset, self._stop - self._position)
        connection.file = self._files[self._index]
        connection.offset, connection.left = offset, size
        self._index += 1
        self._position += size
        return Progress.READY

    def close(self) -> None:
        self._files = []


class FastLane:
    """The lane of one worker. `make_heads` gives the heads of a hot target up to the request id.

    `now` (coarse seconds) and `turn_at` (wall clock) are kept up to date by the server.
    """

    def __init__(
        self,
        make_heads: Callable[[Hot], tuple[bytes, bytes]],
        request_prefix: bytes,
        *,
        logging: bool,
    ) -> None:
        self.now = 0
        self.turn_at = 0.0
        self.id_prefix = request_prefix + b"-f"
        self.wholes = 0
        self.parts = 0
        self.sent_bytes = 0
        self.cut_short = 0
        self.stirred: list[Entry] = []
        self.records: list[LaneRecord] = []
        self._logging = logging
        self._number = 0
        self._hot: dict[bytes, Hot] = {}
        self._make_heads = make_heads
        self._blocks: dict[bytes, bytes] = {}

    def teach(self, target: bytes, entry: Entry, until: int, session: str) -> None:
        """The full path answered this target as a plain hit; until then it would again."""
        key = b"GET " + target
        known = self._hot.get(key)
        if known is not None and known.entry is entry and known.until:
            known.until = until
            return
        if len(self._hot) >= TARGETS_MAX:
            self._hot.clear()
        hot = Hot(target, entry, until, session)
        if entry.size_bytes <= COPIED_BYTES_MAX and entry.count == 1:
            file = entry.files[0]
            if file is not None:
                hot.content = os.pread(file.fd, entry.size_bytes, 0)
        entry.hots.append(hot)
        self._hot[key] = hot

    def remember(self, connection: Connection, head: bytes, request: Request) -> None:
        """Remember a header block that the strict parser has taken, if nothing in it decides."""
        if request.method != b"GET" or not request.minor_version or not request.keep_alive:
            return
        fields = request.fields
        if any(name in fields for name in _DECISIVE):
            return
        if (fields.first(b"connection") or b"keep-alive").lower() != b"keep-alive":
            return
        block = head[head.index(b" ", 4) :] + _END
        ranges = fields.lines(b"range")
        if not ranges:
            connection.plain = self._shared(block)
            return
        start = block.find(_RANGE)
        if len(ranges) != 1 or start < 0:
            return
        start += len(_RANGE)
        connection.before = self._shared(block[:start])
        connection.before_size = start
        connection.after = self._shared(block[block.index(b"\r\n", start) :])
        connection.after_size = len(connection.after)

    def answer(self, connection: Connection, data: bytes) -> bool:
        """Answer the one request that is `data`; False when the full path has to."""
        end = data.find(b" ", 4)
        if data.startswith(connection.before, end) and data.endswith(connection.after):
            hot = self._hot.get(data[:end]) or self._find(data[:end])
            first, _, last = data[
                end + connection.before_size : len(data) - connection.after_size
            ].partition(b"-")
            if hot is None or self.now >= hot.until or not first.isdigit() or not last.isdigit():
                return False
            return self._part(connection, hot, int(first), int(last) + 1)
        if data.startswith(connection.plain, end) and len(data) - end == len(connection.plain):
            hot = self._hot.get(data[:end]) or self._find(data[:end])
            return hot is not None and self.now < hot.until and self._whole(connection, hot)
        return False

    def settle(self, connection: Connection, complete: bool) -> None:
        """An answer that the socket did not take at once has ended."""
        record, connection.owed = connection.owed, None
        if record is None:
            return
        self.sent_bytes += connection.sent_bytes
        self.cut_short += not complete
        if self._logging:
            hot, client, number, start, stop, is_range, _, at, _, _ = record
            self.records.append(
                (
                    hot,
                    client,
                    number,
                    start,
                    stop,
                    is_range,
                    connection.sent_bytes,
                    at,
                    self.turn_at - at,
                    complete,
                )
            )

    def _find(self, line: bytes) -> Hot | None:
        """The target without a player's CMCD argument, which names the viewer, not the content."""
        cut = line.find(b"CMCD=")
        if cut < 1 or line[cut - 1] not in b"?&" or b"&" in line[cut:]:
            return None
        return self._hot.get(line[: cut - 1])

    def _part(self, connection: Connection, hot: Hot, start: int, stop: int) -> bool:
        entry = hot.entry
        block_bytes = entry.block_bytes
        if stop > entry.size_bytes:
            stop = entry.size_bytes
        size = stop - start
        block = start // block_bytes
        offset = start - block * block_bytes
        if size <= 0 or offset + size > block_bytes:
            return size > 0 and self._run(connection, hot, start, stop, is_range=True)
        files = entry.files
        file = files[block]
        if file is None or (block + 1 < entry.count and files[block + 1] is None):
            return False
        recent = entry.recent
        if recent is None:
            recent = self._stir(entry)
        recent[block] = 1
        if hot.made_at != self.now:
            self._make(hot)
        self._number = number = self._number + 1
        self.parts += 1
        head = b"%b%x\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\n" % (
            hot.head_206,
            number,
            start,
            stop - 1,
            entry.size_bytes,
            size,
        )
        sent = taken = 0
        try:
            sent = connection.send(head, _MORE)
            if sent == len(head):
                taken = sendfile(connection.fd, file.fd, offset, size)
        except BlockingIOError:
            pass
        except OSError:
            connection.server.drop(connection)
            return True
        if taken == size:
            sent += taken
            self.sent_bytes += sent
            if self._logging:
                self.records.append(
                    (
                        hot,
                        connection.client,
                        number,
                        start,
                        stop,
                        True,
                        sent,
                        self.turn_at,
                        0.0,
                        True,
                    )
                )
            return True
        connection.head = head[sent:]
        if taken:
            # No detour over a body: the rest of one block is what the connection itself can send.
            connection.file, connection.offset, connection.left = file, offset + taken, size - taken
        else:
            connection.body = HeldBody([file], block_bytes, block, start, stop)
        self._owe(connection, hot, start, stop, sent + taken, is_range=True)
        return True

    def _whole(self, connection: Connection, hot: Hot) -> bool:
        content = hot.content
        if content is None:
            size = hot.entry.size_bytes
            return size > 0 and self._run(connection, hot, 0, size, is_range=False)
        if hot.made_at != self.now:
            self._make(hot)
        entry = hot.entry
        recent = entry.recent
        if recent is None:
            recent = self._stir(entry)
        recent[0] = 1
        self._number = number = self._number + 1
        self.wholes += 1
        size = len(content)
        answer = b"%b%x\r\nContent-Length: %d\r\n\r\n%b" % (hot.head_200, number, size, content)
        try:
            sent = write(connection.fd, answer)
        except BlockingIOError:
            sent = 0
        except OSError:
            connection.server.drop(connection)
            return True
        if sent == len(answer):
            self.sent_bytes += sent
            if self._logging:
                self.records.append(
                    (hot, connection.client, number, 0, size, False, sent, self.turn_at, 0.0, True)
                )
            return True
        connection.head = answer[sent:]
        self._owe(connection, hot, 0, size, sent, is_range=False)
        return True

    def _run(
        self, connection: Connection, hot: Hot, start: int, stop: int, *, is_range: bool
    ) -> bool:
        """Bytes of several blocks, or of one that is served whole."""
        entry = hot.entry
        block_bytes = entry.block_bytes
        first, last = start // block_bytes, (stop - 1) // block_bytes
        files = entry.files[first : last + 1]
        if None in files or (last + 1 < entry.count and entry.files[last + 1] is None):
            return False
        recent = entry.recent or self._stir(entry)
        recent[first : last + 1] = b"\1" * (last + 1 - first)
        if hot.made_at != self.now:
            self._make(hot)
        self._number += 1
        if is_range:
            self.parts += 1
            head = b"%b%x\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\n" % (
                hot.head_206,
                self._number,
                start,
                stop - 1,
                entry.size_bytes,
                stop - start,
            )
        else:
            self.wholes += 1
            head = b"%b%x\r\nContent-Length: %d\r\n\r\n" % (hot.head_200, self._number, stop)
        sent, position = 0, start
        try:
            sent = connection.send(head, _MORE)
            if sent == len(head):
                for file in files:
                    offset = position % block_bytes
                    size = min(block_bytes - offset, stop - position)
                    taken = sendfile(connection.fd, file.fd, offset, size)  # type: ignore[union-attr]
                    position += taken
                    if taken < size:
                        break
        except BlockingIOError:
            pass
        except OSError:
            connection.server.drop(connection)
            return True
        sent_bytes = sent + position - start
        if position == stop:
            self._done(connection, hot, start, stop, sent_bytes, is_range=is_range)
            return True
        connection.head = head[sent:]
        connection.body = HeldBody(files, block_bytes, first, position, stop)  # type: ignore[arg-type]
        self._owe(connection, hot, start, stop, sent_bytes, is_range=is_range)
        return True

    def _done(
        self,
        connection: Connection,
        hot: Hot,
        start: int,
        stop: int,
        sent_bytes: int,
        *,
        is_range: bool,
    ) -> None:
        self.sent_bytes += sent_bytes
        if self._logging:
            self.records.append(
                (
                    hot,
                    connection.client,
                    self._number,
                    start,
                    stop,
                    is_range,
                    sent_bytes,
                    self.turn_at,
                    0.0,
                    True,
                )
            )

    def _owe(
        self,
        connection: Connection,
        hot: Hot,
        start: int,
        stop: int,
        sent_bytes: int,
        *,
        is_range: bool,
    ) -> None:
        """The answer is not out yet: the server settles it when it is."""
        connection.sent_bytes = sent_bytes
        connection.owed = (
            hot,
            connection.client,
            self._number,
            start,
            stop,
            is_range,
            0,
            self.turn_at,
            0.0,
            True,
        )
        connection.server.stalled(connection)

    def _stir(self, entry: Entry) -> bytearray:
        """Blocks used since the last tick are marked; the index learns of them once a second."""
        entry.recent = recent = bytearray(entry.count)
        self.stirred.append(entry)
        return recent

    def _make(self, hot: Hot) -> None:
        whole, part = self._make_heads(hot)
        mark = b"X-Request-Id: " + self.id_prefix
        hot.head_200, hot.head_206 = whole + mark, part + mark
        hot.made_at = self.now

    def _shared(self, block: bytes) -> bytes:
        """One copy of a block however many connections remember it."""
        if len(self._blocks) >= _BLOCKS_MAX:
            self._blocks.clear()
        return self._blocks.setdefault(block, block)
