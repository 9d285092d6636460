"""The fast lane: plain fresh hits, answered from remembered bytes without a coroutine.

A request qualifies when everything about it was seen before: its header block is byte-equal to one that
this connection has had fully parsed (only the path and the digits of one `Range: bytes=a-b` may
differ), its target was answered by the full path a moment ago as a plain hit, and every block it
touches, and the one behind them, is held. Nothing here is decided: the lane repeats decisions, and
`answer` returns False for whatever it cannot prove. Both lanes give the same bytes;
tests/edge/test_fastlane.py drives both with the same requests and compares.

Figures behind each shortcut: docs/benchmarks.md.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge.body import Progress
from edge.connection import Connection
from edge.entry import Entry
from edge.http1.request import Request

if TYPE_CHECKING:
    from edge.blockfile import BlockFile

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
        "log_middle",
        "made_at",
        "revision",
        "session",
        "target",
        "until",
    )

    def __init__(self, target: bytes, entry: Entry, until: int, session: str) -> None:
        self.target = target
        self.entry = entry
        self.revision = entry.revision
        self.until = until
        self.session = session
        self.made_at = -1
        self.head_200 = b""
        self.head_206 = b""
        self.content: bytes | None = None
        self.log_middle: bytes | None = None


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


@dataclass(slots=True)
class LaneRecord:
    """One answer of the lane, as the log wants it."""

    hot: Hot
    client: bytes
    request_id: bytes
    start: int
    stop: int
    is_range: bool
    at: float
    sent_bytes: int = 0
    seconds: float = 0.0
    complete: bool = True


class FastLane:
    """The lane of one worker. `make_heads` gives the heads of a hot target up to the request id."""

    def __init__(
        self,
        make_heads: Callable[[Hot], tuple[bytes, bytes]],
        request_prefix: bytes,
        *,
        logging: bool,
        now: Callable[[], float],
    ) -> None:
        self.hot: dict[bytes, Hot] = {}
        self.wholes = 0
        self.parts = 0
        self.sent_bytes = 0
        self.cut_short = 0
        self.stirred: list[Entry] = []
        self.records: list[LaneRecord] = []
        self._logging = logging
        self._now = now
        self._number = 0
        self._make_heads = make_heads
        self._id_prefix = request_prefix + b"-f"
        self._prefix = b"X-Request-Id: " + self._id_prefix
        self._blocks: dict[bytes, bytes] = {}

    def teach(self, target: bytes, entry: Entry, until: int, session: str) -> None:
        """The full path answered this target as a plain hit; until then it would again."""
        known = self.hot.get(target)
        if known is not None and known.revision == entry.revision and known.entry is entry:
            known.until = until
            return
        if len(self.hot) >= TARGETS_MAX:
            self.hot.clear()
        hot = Hot(target, entry, until, session)
        if entry.size_bytes <= COPIED_BYTES_MAX and entry.count == 1:
            file = entry.files[0]
            if file is not None:
                hot.content = os.pread(file.fd, entry.size_bytes, 0)
        self.hot[target] = hot

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

    def answer(self, connection: Connection, data: bytes, now: int) -> bool:
        """Answer the one request that is `data`; False when the full path has to."""
        end = data.find(b" ", 4)
        if end < 0 or not data.startswith(b"GET "):
            return False
        if data.endswith(connection.after) and data.startswith(connection.before, end):
            hot = self.hot.get(data[4:end]) or self._find(data[4:end])
            if hot is None or now >= hot.until:
                return False
            entry = hot.entry
            first, _, last = data[
                end + connection.before_size : len(data) - len(connection.after)
            ].partition(b"-")
            if hot.revision != entry.revision or not first.isdigit() or not last.isdigit():
                return False
            start, stop = int(first), int(last) + 1
            if stop > entry.size_bytes:
                stop = entry.size_bytes
            if start >= stop:
                return False
            return self._send_range(connection, hot, start, stop, now)
        if data.startswith(connection.plain, end) and len(data) - end == len(connection.plain):
            hot = self.hot.get(data[4:end]) or self._find(data[4:end])
            if hot is None or now >= hot.until or hot.revision != hot.entry.revision:
                return False
            if hot.content is not None:
                return self._send_small(connection, hot, now)
            if hot.entry.size_bytes:
                return self._send_whole(connection, hot, now)
        return False

    def _find(self, target: bytes) -> Hot | None:
        """The target without a player's CMCD argument, which names the viewer, not the content."""
        cut = target.find(b"CMCD=")
        if cut < 1 or target[cut - 1] not in b"?&" or b"&" in target[cut:]:
            return None
        return self.hot.get(target[: cut - 1])

    def _send_range(
        self, connection: Connection, hot: Hot, start: int, stop: int, now: int
    ) -> bool:
        files = self._held(hot.entry, start, stop)
        if files is None:
            return False
        if hot.made_at != now:
            self._make(hot, now)
        self._number += 1
        head = b"%b%b%x\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\n" % (
            hot.head_206,
            self._prefix,
            self._number,
            start,
            stop - 1,
            hot.entry.size_bytes,
            stop - start,
        )
        self.parts += 1
        self._send(connection, hot, head, files, start, stop, is_range=True)
        return True

    def _send_whole(self, connection: Connection, hot: Hot, now: int) -> bool:
        size = hot.entry.size_bytes
        files = self._held(hot.entry, 0, size)
        if files is None:
            return False
        if hot.made_at != now:
            self._make(hot, now)
        self._number += 1
        head = b"%b%b%x\r\nContent-Length: %d\r\n\r\n" % (
            hot.head_200,
            self._prefix,
            self._number,
            size,
        )
        self.wholes += 1
        self._send(connection, hot, head, files, 0, size, is_range=False)
        return True

    def _send_small(self, connection: Connection, hot: Hot, now: int) -> bool:
        if hot.made_at != now:
            self._make(hot, now)
        content = hot.content
        assert content is not None
        self._number += 1
        self._touch(hot.entry, 0, 1)
        self.wholes += 1
        answer = b"%b%b%x\r\nContent-Length: %d\r\n\r\n%b" % (
            hot.head_200,
            self._prefix,
            self._number,
            len(content),
            content,
        )
        try:
            sent = os.write(connection.fd, answer)
        except BlockingIOError:
            sent = 0
        except OSError:
            connection.server.drop(connection)
            return True
        if sent < len(answer):
            connection.head = answer[sent:]
        self._note(connection, hot, 0, len(content), sent, is_range=False)
        return True

    def _send(
        self,
        connection: Connection,
        hot: Hot,
        head: bytes,
        files: list[BlockFile],
        start: int,
        stop: int,
        is_range: bool,
    ) -> None:
        block_bytes = hot.entry.block_bytes
        position = start
        sent = 0
        try:
            sent = connection.sock.send(head, _MORE)
            if sent == len(head):
                for file in files:
                    offset = position % block_bytes
                    size = min(block_bytes - offset, stop - position)
                    taken = os.sendfile(connection.fd, file.fd, offset, size)
                    position += taken
                    if taken < size:
                        break
        except BlockingIOError:
            pass
        except OSError:
            connection.server.drop(connection)
            return
        if position < stop:
            connection.head = head[sent:]
            connection.body = HeldBody(files, block_bytes, start // block_bytes, position, stop)
        self._note(connection, hot, start, stop, sent + position - start, is_range)

    def _note(
        self,
        connection: Connection,
        hot: Hot,
        start: int,
        stop: int,
        sent_bytes: int,
        is_range: bool,
    ) -> None:
        """Write the answer down: now when it is out, else when the server says so."""
        unfinished = connection.head or connection.body is not None
        if not self._logging and not unfinished:
            self.sent_bytes += sent_bytes
            return
        record = LaneRecord(
            hot,
            connection.peer.encode(),
            b"%b%x" % (self._id_prefix, self._number),
            start,
            stop,
            is_range,
            self._now(),
        )
        connection.sent_bytes = sent_bytes
        if unfinished:
            connection.owed = record
            connection.server.stalled(connection)
        else:
            self._settle(record, sent_bytes)

    def settle(self, connection: Connection, complete: bool) -> None:
        """An answer that the socket did not take at once has ended."""
        record, connection.owed = connection.owed, None
        if record is not None:
            record.seconds = self._now() - record.at
            record.complete = complete
            self.cut_short += not complete
            self._settle(record, connection.sent_bytes)

    def _settle(self, record: LaneRecord, sent_bytes: int) -> None:
        self.sent_bytes += sent_bytes
        if self._logging:
            record.sent_bytes = sent_bytes
            self.records.append(record)

    def _held(self, entry: Entry, start: int, stop: int) -> list[BlockFile] | None:
        """Open files of all blocks in [start, stop), if the next block needs no fetching either."""
        first, last = start // entry.block_bytes, (stop - 1) // entry.block_bytes
        files = entry.files[first : last + 1]
        if None in files or (last + 1 < entry.count and entry.files[last + 1] is None):
            return None
        self._touch(entry, first, last + 1)
        return files  # type: ignore[return-value]

    def _touch(self, entry: Entry, first: int, stop: int) -> None:
        recent = entry.recent
        if recent is None:
            recent = entry.recent = bytearray(entry.count)
            self.stirred.append(entry)
        for block in range(first, stop):
            recent[block] = 1

    def _make(self, hot: Hot, now: int) -> None:
        hot.head_200, hot.head_206 = self._make_heads(hot)
        hot.made_at = now

    def _shared(self, block: bytes) -> bytes:
        """One copy of a block however many connections remember it."""
        if len(self._blocks) >= _BLOCKS_MAX:
            self._blocks.clear()
        return self._blocks.setdefault(block, block)
