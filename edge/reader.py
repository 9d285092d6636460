"""A body made of cached blocks: bytes [position, stop) of an entry, as far as they are here.

Held blocks go out by sendfile. A block being filled is read from memory while it grows when that is
what the client waits for; readers in a crowd take the first bytes so and then wait for the file,
which costs no copy. A reader stays registered with its entry after its answer, until the
connection asks for something else or leaves: that is what read-ahead is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.blockfile import BlockFile
from edge.body import Body, Progress
from edge.connection import Connection
from edge.entry import Entry
from edge.fill import Growing, GrowingState

if TYPE_CHECKING:
    from edge.fill import Fills

CROWD: Final = 8
"""Readers of one growing block from which on copying to each costs more than waiting."""
STEP_BYTES: Final = 256 * 1024
"""Smallest piece sent from a growing block, but for the first and the last."""
FAILURES_MAX: Final = 3


class Reader:
    """Body of an answer made from blocks of `entry`, or part of the larger `body`."""

    __slots__ = (
        "_cursor",
        "_failures",
        "_fills",
        "_growing",
        "_started",
        "ahead",
        "body",
        "connection",
        "entry",
        "missed",
        "position",
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
        self.body: Body = body or self
        self.entry = entry
        self.position = start
        self.stop = stop
        self.ahead = ahead
        self.missed = False
        self.waited = False
        self._cursor = -1
        self._failures = 0
        self._started = False
        self._growing: Growing | None = None
        self._fills = fills
        previous = connection.reader
        if connection.alive:
            connection.reader = self
            entry.readers.add(self)
        if previous is not None:
            previous.leave()

    @property
    def cursor(self) -> int:
        """The block it needs next."""
        return self.position // self.entry.block_bytes

    @property
    def stop_block(self) -> int:
        """The block after the last it needs."""
        return -(-self.stop // self.entry.block_bytes)

    def leave(self) -> None:
        """The connection turned to something else: nothing more is fetched for this reader."""
        self.entry.readers.discard(self)
        self._let_go()
        self._fills.left(self)

    def close(self) -> None:
        self._let_go()

    def begin(self, connection: Connection) -> None:
        """Put the first bytes behind the head, so that both leave in one packet."""
        if self.position < self.stop and self._held() is not None:
            self.advance(connection)

    def advance(self, connection: Connection) -> Progress:
        while self.position < self.stop:
            entry = self.entry
            block = self.position // entry.block_bytes
            if block != self._cursor:
                self._cursor = block
                self._failures = 0
                self._let_go()
                self._fills.holdings.touch(entry, block, block + 1)
                self._fills.want(self)
            file = self._held()
            if file is not None:
                block_start = block * entry.block_bytes
                offset = self.position - block_start
                size = min(self.stop - block_start, entry.block_bytes) - offset
                connection.file, connection.offset, connection.left = file, offset, size
                self.position += size
                self._started = True
                return Progress.READY
            progress = self._from_memory(connection, block)
            if progress is not Progress.READY:
                return progress
        return Progress.DONE

    def _held(self) -> BlockFile | None:
        return self._fills.holdings.open_block(self.entry, self.position // self.entry.block_bytes)

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
        if size <= 0 or not self._is_worth_sending(growing, size):
            growing.waiters.add(self)
            self.waited = True
            return Progress.WAIT
        assert growing.memory is not None
        sent = connection.send(growing.memory[offset : offset + size])
        self._started = True
        self.position += sent
        connection.sent_bytes += sent
        return Progress.READY if sent == size else Progress.FULL

    def _is_worth_sending(self, growing: Growing, size: int) -> bool:
        if not self._started or growing.state is GrowingState.UNSAVED:
            return True
        if growing.crowd >= CROWD:
            return False
        return size >= STEP_BYTES or self.position + size == self.stop or growing.is_full

    def _ask_again(self, block: int) -> Growing | None:
        """The block failed or vanished: elect a new fill, a few times."""
        self._failures += 1
        if self._failures > FAILURES_MAX or self.entry.replaced:
            return None
        self._fills.want(self)
        return self.entry.growing.get(block)

    def _let_go(self) -> None:
        growing, self._growing = self._growing, None
        if growing is not None:
            growing.waiters.discard(self)
