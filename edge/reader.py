"""A body made of cached blocks: bytes [position, stop) of an entry, as far as they are here.

Held blocks go out by sendfile. A block being filled is read from memory while it grows when that is
what the client waits for; readers in a crowd take the first bytes so and then wait for the file,
which costs no copy. A reader stays registered with its entry after its answer, until the
connection asks for something else or leaves: that is what read-ahead is for.
"""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Final

from edge.blockfile import BlockFile
from edge.body import Body, Progress
from edge.connection import Connection
from edge.entry import Entry
from edge.growing import Growing, GrowingState
from edge.portions import CROWD, first_piece, is_worth_sending
from edge.readahead import Session, window_at

if TYPE_CHECKING:
    import asyncio

    from edge.fill import Fills

FAILURES_MAX: Final = 3


class Reader:
    """Body of an answer made from blocks of `entry`, or part of the larger `body`."""

    __slots__ = (
        "_body",
        "_cursor",
        "_failures",
        "_fills",
        "_growing",
        "_in_crowd",
        "_is_seek",
        "_started",
        "_timer",
        "ahead",
        "connection",
        "context",
        "entry",
        "missed",
        "position",
        "session",
        "start",
        "stop",
        "waited",
    )

    def __init__(
        self,
        connection: Connection,
        entry: Entry,
        start: int,
        stop: int,
        ahead: int,
        fills: Fills,
        body: Body | None = None,
    ) -> None:
        self.connection = connection
        self._body = body
        self.entry = entry
        self.position = start
        self.stop = stop
        self.start = start
        self.ahead = ahead
        self.context = copy_context()
        self.session: Session | None = None
        # To somewhere and on to the end, as players ask who do not say how much they want.
        self._is_seek = start > 0 and stop == entry.size_bytes
        self.missed = False
        self.waited = False
        self._cursor = -1
        self._failures = 0
        self._started = False
        self._in_crowd = False
        self._growing: Growing | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fills = fills
        previous = connection.reader
        if connection.alive:
            connection.reader = self
            entry.readers.add(self)
        if previous is not None:
            previous.leave()

    @property
    def body(self) -> Body:
        """What the connection sends: this, or what this is a part of."""
        # Kept, it would be a cycle: what a viewer left behind would wait for the collector.
        return self._body or self

    @body.setter
    def body(self, body: Body) -> None:
        self._body = body

    @property
    def cursor(self) -> int:
        """The block it needs next."""
        return self.position // self.entry.block_bytes

    @property
    def stop_block(self) -> int:
        """The block after the last it needs."""
        return -(-self.stop // self.entry.block_bytes)

    @property
    def window(self) -> int:
        """How many blocks beyond its cursor a fill may run."""
        return window_at(self.cursor - self.start // self.entry.block_bytes, self._is_seek)

    def leave(self) -> None:
        """The connection turned to something else: nothing more is fetched for this reader."""
        if self._timer is not None:
            self._timer.cancel()
        self.entry.readers.discard(self)
        self._let_go()
        self._fills.left(self)

    def look_ahead_in(self, seconds: float, ahead: int) -> None:
        """Fetch so many blocks ahead if the viewer is still there by then."""
        if self.connection.alive:
            self._timer = self.connection.server.loop.call_later(seconds, self._look_ahead, ahead)

    def _look_ahead(self, ahead: int) -> None:
        self.ahead = ahead
        if self.connection.reader is self:
            self._fills.want(self)

    def close(self) -> None:
        self._let_go()
        if self.connection.neighbour and self.connection.reader is self:
            # What the other worker's readers want next it asks for itself.
            self.connection.reader = None
            self.leave()

    def go_on_at(self, position: int) -> None:
        """What comes before was sent already."""
        self.position = position
        self._started = True
        self.missed = True

    def begin(self, connection: Connection) -> None:
        """Put the first bytes behind the head, so that both leave in one packet."""
        if self.position >= self.stop:
            return
        if self._held() is not None:
            self.advance(connection)
        elif not self._started:
            self._begin_from_memory(connection)

    def advance(self, connection: Connection) -> Progress:
        while self.position < self.stop:
            entry = self.entry
            block = self.position // entry.block_bytes
            if block != self._cursor:
                self._enter(block)
            file = self._held()
            if file is not None:
                block_start = block * entry.block_bytes
                offset = self.position - block_start
                size = min(self.stop - block_start, entry.block_bytes) - offset
                if connection.paced is not None:
                    size = connection.paced.allow(connection, size)
                connection.file, connection.offset, connection.left = file, offset, size
                self.position += size
                self._started = True
                return Progress.READY
            progress = self._from_memory(connection, block)
            if progress is not Progress.READY:
                return progress
        return Progress.DONE

    def _enter(self, block: int) -> None:
        self._cursor = block
        self._failures = 0
        self._let_go()
        self._fills.holdings.touch(self.entry, block, block + 1)
        self._fills.want(self)

    def _held(self) -> BlockFile | None:
        return self._fills.holdings.open_block(self.entry, self.position // self.entry.block_bytes)

    def _begin_from_memory(self, connection: Connection) -> None:
        """What came with the upstream's head goes on with ours, before more is received."""
        block = self.cursor
        growing = self.entry.growing.get(block)
        if growing is None or growing.memory is None:
            return
        offset = self.position - block * self.entry.block_bytes
        size = min(growing.received - offset, self.stop - self.position)
        if size <= 0:
            return
        self._enter(block)
        self._growing = growing
        self.missed = self._started = True
        size = first_piece(size, self._is_crowded(growing))
        if connection.paced is not None:
            size = connection.paced.allow(connection, size)
        connection.head = b"".join((connection.head, growing.memory[offset : offset + size]))
        self.position += size

    def _from_memory(self, connection: Connection, block: int) -> Progress:
        growing = self._growing or self.entry.growing.get(block)
        if growing is None or growing.state in (GrowingState.FAILED, GrowingState.SAVED):
            self._let_go()
            growing = self._ask_again(block)
            if growing is None:
                return Progress.BROKEN
        self._growing = growing
        self.missed = True
        offset = self.position - block * self.entry.block_bytes
        size = min(growing.received, self.stop - block * self.entry.block_bytes) - offset
        if size <= 0 or not self._is_worth_sending(growing, offset, size):
            growing.wait(self, self._started and self._is_crowded(growing))
            if size > 0:
                growing.remind(connection.server.loop)
            self.waited = True
            return Progress.WAIT
        assert growing.memory is not None
        if not self._started and self._is_crowded(growing):
            size = first_piece(size, is_crowded=True)
        if connection.paced is not None:
            size = connection.paced.allow(connection, size)
        sent = connection.send(growing.memory[offset : offset + size])
        self._started = True
        self.position += sent
        connection.sent_bytes += sent
        return Progress.READY if sent == size else Progress.FULL

    def _is_worth_sending(self, growing: Growing, offset: int, size: int) -> bool:
        if not self._started or growing.state is GrowingState.UNSAVED:
            return True
        return is_worth_sending(
            size,
            is_rest=growing.is_full or self.position + size == self.stop,
            is_crowded=self._is_crowded(growing),
            is_overdue=offset < growing.overdue,
        )

    def _is_crowded(self, growing: Growing) -> bool:
        if self.connection.neighbour:
            # Another worker reads for a crowd of its own.
            return False
        if growing.crowd or growing.crowd_now >= CROWD:
            self._in_crowd = growing.crowd_now >= CROWD
        # Who comes first to the next block goes by the last: the others are behind.
        return self._in_crowd

    def _ask_again(self, block: int) -> Growing | None:
        """The block failed or vanished: elect a new fill, a few times.

        A version that was purged may still be there upstream: an answer under way ends as it began.
        """
        self._failures += 1
        if self._failures > FAILURES_MAX or self.entry.gone:
            return None
        self._fills.want(self)
        return self.entry.growing.get(block)

    def _let_go(self) -> None:
        growing, self._growing = self._growing, None
        if growing is not None:
            growing.leave(self)
