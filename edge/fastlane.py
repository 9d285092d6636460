"""The fast lane: plain fresh hits, answered from remembered bytes without a coroutine.

A request qualifies when everything about it was seen before: its header block is byte-equal to one
that was fully parsed, on this connection or, where `recalls` allows it, on another (only the path,
the digits of one `Range: bytes=a-b` and fields of CMCD may differ), its target was answered by the
full path a moment ago as a plain hit, and every block it touches, and the one behind them, is held.
Nothing here is decided: the lane repeats decisions, and `answer` returns False for whatever it
cannot prove. Both lanes give the same bytes; tests/edge/test_differential.py drives both with the
same requests and compares.

Figures behind each shortcut: docs/decisions/0001-client-loop.md.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from edge.connection import Connection
from edge.entry import HELD, Entry
from edge.headblocks import HeadBlocks, without_cmcd
from edge.held_body import HeldBody
from edge.http1.request import Request
from edge.lanelog import END_PART, END_WHOLE, RANGE, LaneLog
from edge.numerals import Numerals
from edge.primitives import Primitives
from edge.targets import Hot, Targets

if TYPE_CHECKING:
    from edge.cmsd import Cmsd

Owed = tuple[Hot, bytes, bytes, float]
"""An answer that is not out yet: (hot, number, digits of its range or none, began_at)."""

_UNASKED: Final = -1
"""What sendfile has taken when it was not asked, or had no room for a byte."""
_MORE: Final = socket.MSG_MORE | socket.MSG_NOSIGNAL
_LAST: Final = socket.MSG_NOSIGNAL
HEARD_MAX: Final = 200
"""Heads kept of a second with as many players as the one before."""
HEARD_SURGE_MAX: Final = 5 * HEARD_MAX
"""Heads kept of any second, however many more players come: what reading costs is bounded."""


class FastLane:
    """The lane of one worker.

    `make_heads` gives the heads of an entry up to the request id, and the moment until which
    they hold. `begin_turn` is called by the server; nothing else tells the lane the time. With
    `recalls` the first request of a connection is the lane's too. It has to be off where the full
    path gives a connection something that lasts: a pace, by its route or by a token. `on_turn` is
    called when a turn has begun; `stand_in` is asked in place of `answer`, which it may ask.
    """

    def __init__(
        self,
        make_heads: Callable[[Entry, float], tuple[bytes, bytes, float]],
        request_prefix: bytes,
        log: LaneLog | None,
        targets: Targets,
        recalls: bool = False,
        cmsd: Cmsd | None = None,
    ) -> None:
        self.turn_at = 0.0
        self.wholes = 0
        self.parts = 0
        self.cut_short = 0
        self.stirred: list[Entry] = []
        self._unbilled: list[Hot] = []
        self._heard: list[bytes] = []
        self._heard_every = 1
        self._telling = 0
        self.log = log
        self.targets = targets
        self.blocks = HeadBlocks()
        self._id_line = b"X-Request-Id: " + request_prefix
        self._number = 0
        self._by_line = targets.by_line
        self._make_heads = make_heads
        self._numerals = Numerals()
        self._lengths = Numerals(b"\r\n\r\n")
        self.recalls = recalls
        self.cmsd = cmsd
        self.on_turn: Callable[[], None] | None = None
        self.stand_in: Callable[[Connection, bytes], bool] | None = None

    def begin_turn(self, at: float) -> None:
        """Answers from now on are given at this moment (wall clock)."""
        self.turn_at = at
        if self.log is not None:
            self.log.begin(at)
        if self.on_turn is not None:
            self.on_turn()

    def teach(self, target: bytes, entry: Entry, until: float, session: str) -> None:
        """The full path answered this target as a plain hit; until then it would again."""
        self.targets.teach(target, entry, until, session)

    def remember(self, connection: Connection, head: bytes, request: Request) -> None:
        """Remember a header block that the strict parser has taken, if nothing in it decides."""
        if self.cmsd is not None and not connection.cmsd:
            # The full path has to tell it first what is told of it (`edge.cmsd`).
            return
        self.blocks.remember(connection, head, request)

    def answer(self, connection: Connection, data: bytes) -> bool:
        """Answer the one request that is `data`; False when the full path has to.

        Nothing can be smuggled past the comparison, because it leaves no byte of `data` unread:
        the line up to the second space is the key of a taught target, which the strict parser has
        read; behind it comes the whole of a block that the parser has read, on this connection or
        (`_recall`) another. A plain block matches to the last byte. Around a range, `before` ends
        with the equals sign and `after` begins with the value's end; what lies between consists of
        digits and one hyphen (where the two would overlap nothing lies between, and that is
        refused). So the head is one the parser takes, it ends at its first empty line, which is the
        end of `after`, and that is the end of `data`: no second request, content or other field.
        """
        if connection.sends_cmcd:
            return self._answer_telling(connection, data)
        end = Primitives.target_end(data)
        if len(data) - end == connection.plain_size and data.endswith(connection.plain):
            hot = self._by_line.get(data[:end]) or self.targets.without_cmcd(data[:end])
            return hot is not None and self.turn_at < hot.until and self._whole(connection, hot)
        if data.startswith(connection.before, end) and data.endswith(connection.after):
            hot = self._by_line.get(data[:end]) or self.targets.without_cmcd(data[:end])
            if hot is None or self.turn_at >= hot.until:
                return False
            stop = len(data) - connection.after_size
            return self._part(connection, hot, data[end + connection.before_size : stop])
        return self.recalls and self._recall(connection, data, end)

    def _answer_telling(self, connection: Connection, data: bytes) -> bool:
        """The same of a player that tells how it plays: that decides nothing, and is kept."""
        connection.sends_cmcd = False
        try:
            if not self.answer(connection, without_cmcd(data)):
                return False
        finally:
            connection.sends_cmcd = True
        self._telling += 1
        if self._telling % self._heard_every == 0 and len(self._heard) < HEARD_SURGE_MAX:
            self._heard.append(data)
        return True

    def take_heard(self) -> tuple[list[bytes], int]:
        """Heads of players that told something, and how many were passed over: once a second."""
        heard, telling = self._heard, self._telling
        self._heard, self._telling = [], 0
        self._heard_every = max(1, -(-telling // HEARD_MAX))
        return heard, telling - len(heard)

    def _recall(self, connection: Connection, data: bytes, end: int) -> bool:
        """The first of its kind on this connection, of a kind that another one has shown."""
        if end < 0 or connection.neighbour or not self.blocks.recall(connection, data[end:]):
            return False
        if self.cmsd is not None:
            self.cmsd.tell(connection)
        return self.answer(connection, data)

    def take_unbilled(self) -> list[Hot]:
        """Targets with `unbilled` bytes, which whoever takes them counts and sets to nothing."""
        taken, self._unbilled = self._unbilled, []
        return taken

    def settle(self, connection: Connection, complete: bool) -> None:
        """An answer that the socket did not take at once has ended."""
        owed, connection.owed = connection.owed, None
        if owed is None:
            return
        if complete:
            connection.cork(False)
        if not owed[0].unbilled:
            self._unbilled.append(owed[0])
        owed[0].unbilled += connection.sent_bytes
        self.cut_short += not complete
        if self.log is not None:
            hot, number, digits, began_at = owed
            text = hot.log_part if digits else hot.log_whole
            seconds = max(self.turn_at - began_at, 0.0)
            sent_bytes = connection.sent_bytes
            self.log.late(number, connection.client, text, sent_bytes, digits, seconds, complete)

    def _part(self, connection: Connection, hot: Hot, digits: bytes) -> bool:
        entry = hot.entry
        start, stop, is_shown = Primitives.interval(digits, entry.size_bytes)
        shown = digits if is_shown else b"%d-%d" % (start, stop - 1)
        size = stop - start
        block_bytes = entry.block_bytes
        block = start // block_bytes
        offset = start - block * block_bytes
        if size <= 0 or offset + size > block_bytes:
            return size > 0 and self._run(connection, hot, digits, shown, start, stop)
        file = entry.files[block]
        if file is None or (block + 1 < entry.count and entry.present[block + 1] != HELD):
            return False
        recent = entry.recent or self._stir(entry)
        recent[block] = 1
        if self.turn_at >= hot.heads_until:
            self._make(hot)
        self._number += 1
        self.parts += 1
        number = Primitives.hexadecimal(self._number)
        length = self._lengths[size]
        head = Primitives.joined(
            hot.head_206, number, connection.part, shown, hot.size_text, length
        )
        sent, taken = 0, _UNASKED
        try:
            sent = Primitives.send(connection, head, _MORE)
            if sent == len(head):
                taken = Primitives.send_file(connection, file.fd, offset, size)
        except BlockingIOError:
            pass
        except OSError:
            return self._break(connection, hot, number, digits, sent)
        if taken == size:
            sent += taken
            if not hot.unbilled:
                self._unbilled.append(hot)
            hot.unbilled += sent
            log = self.log
            if log is not None:
                log.lines.add(
                    log.start,
                    number,
                    connection.client,
                    hot.log_part,
                    self._numerals[sent],
                    RANGE,
                    digits,
                    END_PART,
                )
            return True
        if taken == 0:
            return self._break(connection, hot, number, digits, sent)
        connection.head = head[sent:]
        if taken == _UNASKED:
            connection.body = HeldBody([file], block_bytes, block, start, stop)
        else:
            # No detour over a body: the rest of one block is what the connection itself can send.
            connection.file, connection.offset, connection.left = file, offset + taken, size - taken
            sent += taken
        self._owe(connection, hot, number, digits, sent)
        return True

    def _whole(self, connection: Connection, hot: Hot) -> bool:
        entry = hot.entry
        content = hot.content
        if content is None:
            size = entry.size_bytes
            return size > 0 and self._run(connection, hot, b"", b"", 0, size)
        if entry.files[0] is None:
            return False
        if self.turn_at >= hot.heads_until:
            self._make(hot)
        recent = entry.recent
        if recent is None:
            recent = self._stir(entry)
        recent[0] = 1
        self._number += 1
        self.wholes += 1
        number = Primitives.hexadecimal(self._number)
        length = self._lengths[len(content)]
        answer = Primitives.joined(hot.head_200, number, connection.whole, length, content, b"")
        try:
            sent = Primitives.send(connection, answer, _LAST)
        except BlockingIOError:
            sent = 0
        except OSError:
            return self._break(connection, hot, number, b"", 0)
        if sent == len(answer):
            if not hot.unbilled:
                self._unbilled.append(hot)
            hot.unbilled += sent
            log = self.log
            if log is not None:
                log.lines.add(
                    log.start,
                    number,
                    connection.client,
                    hot.log_whole,
                    self._numerals[sent],
                    END_WHOLE,
                    b"",
                    b"",
                )
            return True
        connection.head = answer[sent:]
        self._owe(connection, hot, number, b"", sent)
        return True

    def _run(
        self,
        connection: Connection,
        hot: Hot,
        digits: bytes,
        shown: bytes,
        start: int,
        stop: int,
    ) -> bool:
        """Bytes of several blocks, or of one that is served whole (then there are no digits)."""
        entry = hot.entry
        block_bytes = entry.block_bytes
        first, last = start // block_bytes, (stop - 1) // block_bytes
        files = entry.open_files(first, last + 1)
        if files is None or (last + 1 < entry.count and entry.present[last + 1] != HELD):
            return False
        recent = entry.recent or self._stir(entry)
        recent[first : last + 1] = b"\1" * (last + 1 - first)
        if self.turn_at >= hot.heads_until:
            self._make(hot)
        self._number += 1
        number = Primitives.hexadecimal(self._number)
        length = self._lengths[stop - start]
        if digits:
            self.parts += 1
            head = Primitives.joined(
                hot.head_206, number, connection.part, shown, hot.size_text, length
            )
        else:
            self.wholes += 1
            head = Primitives.joined(hot.head_200, number, connection.whole, length, b"", b"")
        sent, position, taken = 0, start, _UNASKED
        try:
            if len(files) > 1:
                # A sixth of the CPU time of 4 MiB ranges (docs/decisions/0011-block-files.md).
                connection.cork(True)
            sent = Primitives.send(connection, head, _MORE)
            if sent == len(head):
                for file in files:
                    offset = position % block_bytes
                    size = min(block_bytes - offset, stop - position)
                    taken = Primitives.send_file(connection, file.fd, offset, size)
                    position += taken
                    if taken < size:
                        break
                else:
                    connection.cork(False)
        except BlockingIOError:
            pass
        except OSError:
            return self._break(connection, hot, number, digits, sent + position - start)
        sent_bytes = sent + position - start
        if position == stop:
            if not hot.unbilled:
                self._unbilled.append(hot)
            hot.unbilled += sent_bytes
            if self.log is not None:
                text = hot.log_part if digits else hot.log_whole
                self.log.late(number, connection.client, text, sent_bytes, digits, 0.0, True)
            return True
        if taken == 0:
            return self._break(connection, hot, number, digits, sent_bytes)
        connection.head = head[sent:]
        connection.body = HeldBody(files, block_bytes, first, position, stop)
        self._owe(connection, hot, number, digits, sent_bytes)
        return True

    def _owe(
        self, connection: Connection, hot: Hot, number: bytes, digits: bytes, sent_bytes: int
    ) -> None:
        """The answer is not out yet: the server settles it when it is."""
        connection.sent_bytes = sent_bytes
        connection.owed = (hot, number, digits, self.turn_at)
        connection.server.stalled(connection)

    def _break(
        self, connection: Connection, hot: Hot, number: bytes, digits: bytes, sent_bytes: int
    ) -> bool:
        """The client is gone, or a file is shorter than its block: no clean end for such answers.

        What was sent is still accounted for.
        """
        self._owe(connection, hot, number, digits, sent_bytes)
        connection.server.drop(connection)
        return True

    def _stir(self, entry: Entry) -> bytearray:
        """Blocks used since the last tick are marked; the index learns of them once a second."""
        entry.recent = recent = bytearray(entry.count)
        self.stirred.append(entry)
        return recent

    def _make(self, hot: Hot) -> None:
        whole, part, hot.heads_until = self._make_heads(hot.entry, self.turn_at)
        hot.head_200, hot.head_206 = whole + self._id_line, part + self._id_line
