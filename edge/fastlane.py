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
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cdnkit.fields import FieldLines
from edge.access import TOKEN_COOKIE
from edge.body import Progress
from edge.connection import MATCHES_NOTHING, Connection
from edge.entry import HELD, Entry
from edge.http1.request import Request
from edge.lanelog import client_text

if TYPE_CHECKING:
    from edge.blockfile import BlockFile

LaneRecord = tuple["Hot", bytes, int, bytes, int, float, float, bool]
"""(hot, client, number, digits, sent_bytes, ended_at, seconds, complete): an answer for the log.

`digits` are those of the range as sent, empty without one. A bare tuple, because making a record
object costs as much as comparing the head."""

COPIED_BYTES_MAX: Final = 8 * 1024
"""Up to here one write from memory beats sendfile."""
TARGETS_MAX: Final = 50_000
"""About 2 KiB each with its heads and log texts; the oldest goes first."""
CONTENTS_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of small objects kept in memory; those beyond go out from their files."""
BLOCK_BYTES_MAX: Final = 3072
"""A longer header block is no player's, and every connection may remember its own."""
_BLOCKS_MAX: Final = 4096
_RANGE: Final = b"\r\nRange: bytes="
_END: Final = b"\r\n\r\n"
_UNASKED: Final = -1
"""What sendfile has taken when it was not asked, or had no room for a byte."""
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
    """A target whose plain requests need no decision until `until`.

    The heads hold until `heads_until`, when Age has to move on. Both are wall-clock times.
    """

    __slots__ = (
        "content",
        "entry",
        "head_200",
        "head_206",
        "heads_until",
        "log_part",
        "log_whole",
        "session",
        "target",
        "until",
    )

    def __init__(self, target: bytes, entry: Entry, until: float, session: str) -> None:
        self.target = target
        self.entry = entry
        self.until = until
        self.session = session
        self.heads_until = 0.0
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
    """The lane of one worker.

    `make_heads` gives the heads of an entry up to the request id, and the moment until which
    they hold. `turn_at` (wall clock) is kept up to date by the server; nothing else tells time.
    """

    def __init__(
        self,
        make_heads: Callable[[Entry, float], tuple[bytes, bytes, float]],
        request_prefix: bytes,
        *,
        logging: bool,
        targets_max: int = TARGETS_MAX,
    ) -> None:
        self.turn_at = 0.0
        self.id_prefix = request_prefix + b"-f"
        self.wholes = 0
        self.parts = 0
        self.sent_bytes = 0
        self.cut_short = 0
        self.stirred: list[Entry] = []
        self.records: list[LaneRecord] = []
        self._logging = logging
        self._targets_max = targets_max
        self._number = 0
        self._hot: OrderedDict[bytes, Hot] = OrderedDict()
        self._contents_bytes = 0
        self._make_heads = make_heads
        self._blocks: dict[bytes, bytes] = {}

    def teach(self, target: bytes, entry: Entry, until: float, session: str) -> None:
        """The full path answered this target as a plain hit; until then it would again."""
        if not self._targets_max or (entry.count == 1 and entry.files[0] is None):
            # With its file on the way, a small object would be taught without its content.
            return
        key = b"GET " + target
        known = self._hot.get(key)
        if known is not None and known.entry is entry and known.until:
            known.until = until
            return
        if known is not None:
            self._let_go(self._hot.pop(key))
        while len(self._hot) >= self._targets_max:
            self._let_go(self._hot.popitem(last=False)[1])
        hot = Hot(target, entry, until, session)
        self._keep_content(hot)
        entry.hots[hot] = None
        self._hot[key] = hot

    def remember(self, connection: Connection, head: bytes, request: Request) -> None:
        """Remember a header block that the strict parser has taken, if nothing in it decides."""
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
        ranges = fields.lines(b"range")
        if not ranges:
            self._introduce(connection, fields)
            connection.plain = self._shared(block)
            return
        start = block.find(_RANGE)
        if len(ranges) != 1 or start < 0:
            return
        start += len(_RANGE)
        self._introduce(connection, fields)
        connection.before = self._shared(block[:start])
        connection.before_size = start
        connection.after = self._shared(block[block.index(b"\r\n", start) :])
        connection.after_size = len(connection.after)

    def answer(self, connection: Connection, data: bytes) -> bool:
        """Answer the one request that is `data`; False when the full path has to.

        Nothing can be smuggled past the comparison, because it leaves no byte of `data` unread:
        the line up to the first space is the key of a taught target, which the strict parser has
        read; behind it comes the whole of a block that the parser has read on this connection. A
        plain block matches to the last byte. Around a range, `before` ends with the equals sign
        and `after` begins with the value's end; what lies between consists of digits and one
        hyphen (where the two would overlap nothing lies between, and that is refused). So the
        head is one the parser takes, it ends at its first empty line, which is the end of
        `after`, and that is the end of `data`: no second request, no content, no other field.
        """
        end = data.find(b" ", 4)
        if data.startswith(connection.before, end) and data.endswith(connection.after):
            hot = self._hot.get(data[:end]) or self._find(data[:end])
            digits = data[end + connection.before_size : len(data) - connection.after_size]
            first, _, last = digits.partition(b"-")
            if (
                hot is None
                or self.turn_at >= hot.until
                or not first.isdigit()
                or not last.isdigit()
            ):
                return False
            return self._part(connection, hot, digits, int(first), int(last) + 1)
        if data.startswith(connection.plain, end) and len(data) - end == len(connection.plain):
            hot = self._hot.get(data[:end]) or self._find(data[:end])
            return hot is not None and self.turn_at < hot.until and self._whole(connection, hot)
        return False

    def settle(self, connection: Connection, complete: bool) -> None:
        """An answer that the socket did not take at once has ended."""
        record, connection.owed = connection.owed, None
        if record is None:
            return
        self.sent_bytes += connection.sent_bytes
        self.cut_short += not complete
        if self._logging:
            hot, client, number, digits, _, began_at, _, _ = record
            seconds = max(self.turn_at - began_at, 0.0)
            sent_bytes = connection.sent_bytes
            self.records.append(
                (hot, client, number, digits, sent_bytes, self.turn_at, seconds, complete)
            )

    def _introduce(self, connection: Connection, fields: FieldLines) -> None:
        """Who is asking, as the log says it; blocks of two players are not remembered together."""
        client = client_text(connection.peer, fields.text(b"user-agent"))
        if client != connection.client:
            connection.client = client
            connection.plain = connection.before = connection.after = MATCHES_NOTHING

    def _keep_content(self, hot: Hot) -> None:
        entry = hot.entry
        size = entry.size_bytes
        if size > COPIED_BYTES_MAX or self._contents_bytes + size > CONTENTS_BYTES_MAX:
            return
        content = next(reversed(entry.hots)).content if entry.hots else None
        if content is None:
            file = entry.files[0] if entry.count == 1 else None
            content = None if file is None else os.pread(file.fd, size, 0)
        if content is not None and len(content) == size:
            hot.content = content
            self._contents_bytes += size

    def _let_go(self, hot: Hot) -> None:
        hot.until = 0.0
        hot.entry.hots.pop(hot, None)
        if hot.content is not None:
            self._contents_bytes -= len(hot.content)

    def _find(self, line: bytes) -> Hot | None:
        """The target without a player's CMCD argument, which names the viewer, not the content.

        Only the last argument is taken off, and only a real one: behind the first question mark.
        """
        cut = line.find(b"CMCD=")
        if cut < 1 or b"&" in line[cut:]:
            return None
        mark = line.find(b"?")
        if not 0 <= mark < cut or (mark != cut - 1 and line[cut - 1] not in b"&"):
            return None
        return self._hot.get(line[: cut - 1])

    def _part(self, connection: Connection, hot: Hot, digits: bytes, start: int, stop: int) -> bool:
        entry = hot.entry
        block_bytes = entry.block_bytes
        if stop > entry.size_bytes:
            stop = entry.size_bytes
        size = stop - start
        block = start // block_bytes
        offset = start - block * block_bytes
        if size <= 0 or offset + size > block_bytes:
            return size > 0 and self._run(connection, hot, digits, start, stop)
        files = entry.files
        file = files[block]
        if file is None or (block + 1 < entry.count and entry.present[block + 1] != HELD):
            return False
        recent = entry.recent
        if recent is None:
            recent = self._stir(entry)
        recent[block] = 1
        if self.turn_at >= hot.heads_until:
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
        sent, taken = 0, _UNASKED
        try:
            sent = connection.send(head, _MORE)
            if sent == len(head):
                taken = connection.send_file(file.fd, offset, size)
        except BlockingIOError:
            pass
        except OSError:
            return self._break(connection, hot, digits, sent)
        if taken == size:
            sent += taken
            self.sent_bytes += sent
            if self._logging:
                self.records.append(
                    (hot, connection.client, number, digits, sent, self.turn_at, 0.0, True)
                )
            return True
        if taken == 0:
            return self._break(connection, hot, digits, sent)
        connection.head = head[sent:]
        if taken == _UNASKED:
            connection.body = HeldBody([file], block_bytes, block, start, stop)
        else:
            # No detour over a body: the rest of one block is what the connection itself can send.
            connection.file, connection.offset, connection.left = file, offset + taken, size - taken
            sent += taken
        self._owe(connection, hot, digits, sent)
        return True

    def _whole(self, connection: Connection, hot: Hot) -> bool:
        entry = hot.entry
        content = hot.content
        if content is None:
            size = entry.size_bytes
            return size > 0 and self._run(connection, hot, b"", 0, size)
        if entry.files[0] is None:
            return False
        if self.turn_at >= hot.heads_until:
            self._make(hot)
        recent = entry.recent
        if recent is None:
            recent = self._stir(entry)
        recent[0] = 1
        self._number = number = self._number + 1
        self.wholes += 1
        answer = b"%b%x\r\nContent-Length: %d\r\n\r\n%b" % (
            hot.head_200,
            number,
            len(content),
            content,
        )
        try:
            sent = connection.send(answer)
        except BlockingIOError:
            sent = 0
        except OSError:
            return self._break(connection, hot, b"", 0)
        if sent == len(answer):
            self.sent_bytes += sent
            if self._logging:
                self.records.append(
                    (hot, connection.client, number, b"", sent, self.turn_at, 0.0, True)
                )
            return True
        connection.head = answer[sent:]
        self._owe(connection, hot, b"", sent)
        return True

    def _run(self, connection: Connection, hot: Hot, digits: bytes, start: int, stop: int) -> bool:
        """Bytes of several blocks, or of one that is served whole (then there are no digits)."""
        entry = hot.entry
        block_bytes = entry.block_bytes
        first, last = start // block_bytes, (stop - 1) // block_bytes
        files = entry.files[first : last + 1]
        if None in files or (last + 1 < entry.count and entry.present[last + 1] != HELD):
            return False
        recent = entry.recent or self._stir(entry)
        recent[first : last + 1] = b"\1" * (last + 1 - first)
        if self.turn_at >= hot.heads_until:
            self._make(hot)
        self._number = number = self._number + 1
        if digits:
            self.parts += 1
            head = b"%b%x\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\n" % (
                hot.head_206,
                number,
                start,
                stop - 1,
                entry.size_bytes,
                stop - start,
            )
        else:
            self.wholes += 1
            head = b"%b%x\r\nContent-Length: %d\r\n\r\n" % (hot.head_200, number, stop)
        sent, position, taken = 0, start, _UNASKED
        try:
            sent = connection.send(head, _MORE)
            if sent == len(head):
                for file in files:
                    offset = position % block_bytes
                    size = min(block_bytes - offset, stop - position)
                    taken = connection.send_file(file.fd, offset, size)  # type: ignore[union-attr]
                    position += taken
                    if taken < size:
                        break
        except BlockingIOError:
            pass
        except OSError:
            return self._break(connection, hot, digits, sent + position - start)
        sent_bytes = sent + position - start
        if position == stop:
            self.sent_bytes += sent_bytes
            if self._logging:
                self.records.append(
                    (hot, connection.client, number, digits, sent_bytes, self.turn_at, 0.0, True)
                )
            return True
        if taken == 0:
            return self._break(connection, hot, digits, sent_bytes)
        connection.head = head[sent:]
        held: list[BlockFile] = files  # type: ignore[assignment]
        connection.body = HeldBody(held, block_bytes, first, position, stop)
        self._owe(connection, hot, digits, sent_bytes)
        return True

    def _owe(self, connection: Connection, hot: Hot, digits: bytes, sent_bytes: int) -> None:
        """The answer is not out yet: the server settles it when it is."""
        connection.sent_bytes = sent_bytes
        client = connection.client
        connection.owed = (hot, client, self._number, digits, 0, self.turn_at, 0.0, True)
        connection.server.stalled(connection)

    def _break(self, connection: Connection, hot: Hot, digits: bytes, sent_bytes: int) -> bool:
        """The client is gone, or a file is shorter than its block: no clean end for such answers.

        What was sent is still accounted for.
        """
        self._owe(connection, hot, digits, sent_bytes)
        connection.server.drop(connection)
        return True

    def _stir(self, entry: Entry) -> bytearray:
        """Blocks used since the last tick are marked; the index learns of them once a second."""
        entry.recent = recent = bytearray(entry.count)
        self.stirred.append(entry)
        return recent

    def _make(self, hot: Hot) -> None:
        whole, part, hot.heads_until = self._make_heads(hot.entry, self.turn_at)
        mark = b"X-Request-Id: " + self.id_prefix
        hot.head_200, hot.head_206 = whole + mark, part + mark

    def _shared(self, block: bytes) -> bytes:
        """One copy of a block however many connections remember it."""
        if len(self._blocks) >= _BLOCKS_MAX:
            self._blocks.clear()
        return self._blocks.setdefault(block, block)
