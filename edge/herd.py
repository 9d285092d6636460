"""One answer for everybody who waited with the same request: first bytes to all, then the rest.

The head is made once and differs by the request's id and by what is told of the connection. It
leaves together with the first bytes of content, by one call for each connection, before any of them
is sent more: what a block holds besides would keep those behind it waiting
(docs/decisions/0026-crowds-in-one-go.md). From there on each is a reader like any other. A viewer
with whom something goes wrong is hung up on, alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from cdnkit.wire import MissClass, Outcome
from edge.gathering import Told
from edge.growing import GrowingState
from edge.portions import FIRST_BYTES
from edge.selection import Everything, Part, select
from edge.turns import in_slices

if TYPE_CHECKING:
    from edge.entry_answer import Bodies, Entry, EntryAnswers
    from edge.fill import Fills
    from edge.gathering import Exchange, Gathering, Learned
    from edge.reader import Reader

_FIRST_SECONDS: Final = 0.01
"""What else the thread does between two slices is waited for by all who have nothing yet."""
_NO_ID: Final = b"\0"
"""Stands where the id goes; no head has it otherwise."""
_END_OF_LINE: Final = b"\r\n"
_ON_ITS_WAY: Final = (GrowingState.RECEIVING, GrowingState.SAVING)


class Herds:
    """Answers gatherings, for one worker. `settle` accounts for an answer that has ended."""

    def __init__(
        self,
        fills: Fills,
        bodies: Bodies,
        answers: EntryAnswers,
        settle: Callable[[Told, Exchange, bool], None],
        new_id: Callable[[None], bytes],
    ) -> None:
        self.fills = fills
        self.bodies = bodies
        self.answers = answers
        self.settle = settle
        self.new_id = new_id
        self._log = structlog.get_logger("edge.herd")

    def answer(self, gathering: Gathering) -> bool:
        """Begin to answer all of one; False when each has to be answered by itself."""
        task = None if gathering.asking is None else gathering.asking.task
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return False
        learned = task.result()
        entry = learned.entry
        if entry is None or entry.replaced or entry.key != gathering.key:
            return False
        selection = select(gathering.request, entry)
        if not isinstance(selection, Everything | Part):
            return False
        Herd(self, gathering, learned, entry, selection).begin()
        return True

    def failed(self, error: Exception, exchange: Exchange) -> None:
        """An answer cannot go on: the viewer learns of it by the end of its connection."""
        self._log.error("answer failed", target=exchange.request.target, error=repr(error))
        exchange.connection.server.drop(exchange.connection)


class Herd:
    """The viewers of one gathering, standing among the entry's readers until they have begun.

    Its connection is itself, and pumping it tells that bytes have come.
    """

    ahead = 0
    window = 1

    def __init__(
        self,
        herds: Herds,
        gathering: Gathering,
        learned: Learned,
        entry: Entry,
        selection: Everything | Part,
    ) -> None:
        self._herds = herds
        self._exchanges = gathering.exchanges
        self._miss_class = MissClass.HEALTH if learned.failed_over else gathering.miss_class
        self._forward = gathering.forward
        self._status = learned.status
        self.entry = entry
        self._selection = selection
        self.position = 0 if isinstance(selection, Everything) else selection.start
        self.stop = selection.stop
        self.cursor = self.position // entry.block_bytes
        self.stop_block = self.cursor + 1
        self._loop = gathering.exchanges[0].connection.server.loop

    @property
    def connection(self) -> Herd:
        """Itself. Kept, it would be a cycle, and hold all who stood here until it is collected."""
        return self

    server = body = connection

    def begin(self) -> None:
        """Answer now, or once the first byte is here."""
        self.entry.readers.add(self)  # type: ignore[arg-type]
        self.pump(self)

    def pump(self, herd: Herd) -> None:
        """Something has come, or nothing will."""
        try:
            self._look()
        except Exception as error:
            in_slices(self._loop, self._exchanges, partial(self._herds.failed, error), self._leave)

    def _look(self) -> None:
        growing = self.entry.growing.get(self.cursor)
        if growing is None or growing.state not in _ON_ITS_WAY or growing.memory is None:
            in_slices(
                self._loop,
                self._exchanges,
                partial(self._or_hang_up, self._answer_alone),
                self._leave,
            )
            return
        offset = self.position - self.cursor * self.entry.block_bytes
        size = min(growing.received - offset, self.stop - self.position, FIRST_BYTES)
        if size <= 0:
            growing.waiters.add(self)  # type: ignore[arg-type]
            return
        growing.crowd = max(growing.crowd, len(self._exchanges))
        self._begin_all(bytes(growing.memory[offset : offset + size]))

    def _begin_all(self, piece: bytes) -> None:
        one = self._exchanges[0]
        text, _, stop = self._herds.answers.opening(
            one, self._told(_NO_ID), self.entry, self._selection, is_shared=True
        )
        before, after = text.split(_NO_ID + _END_OF_LINE)
        after += piece
        position = self.position + len(piece)

        named: dict[Exchange, bytes] = {}

        def opening(exchange: Exchange, name: bytes) -> bytes:
            own = self._herds.answers.line_of(exchange)
            return b"".join((before, name, _END_OF_LINE, own, after))

        def send_all(exchange: Exchange) -> None:
            name = self._herds.new_id(None)
            self._attend(exchange, name)
            if exchange.complete is None:
                exchange.deliver(opening(exchange, name), None)

        def send_first(exchange: Exchange) -> None:
            name = named[exchange] = self._herds.new_id(None)
            if exchange.complete is None:
                _send(exchange, opening(exchange, name))

        def send_rest(exchange: Exchange) -> None:
            self._attend(exchange, named.get(exchange, b""))
            if exchange.complete is None:
                exchange.deliver(b"", self._body(exchange, position))

        def begun() -> None:
            self._herds.fills.beginning.discard(self.entry)
            in_slices(
                self._loop, self._exchanges, partial(self._or_hang_up, send_rest), self._leave
            )

        if position >= stop:
            in_slices(self._loop, self._exchanges, partial(self._or_hang_up, send_all), self._leave)
            return
        self._herds.fills.beginning.add(self.entry)
        in_slices(
            self._loop,
            self._exchanges,
            partial(self._or_hang_up, send_first),
            begun,
            slice_seconds=_FIRST_SECONDS,
        )

    def _or_hang_up(self, do: Callable[[Exchange], object], exchange: Exchange) -> None:
        try:
            do(exchange)
        except Exception as error:
            self._herds.failed(error, exchange)

    def _body(self, exchange: Exchange, position: int) -> Reader:
        body = self._herds.bodies.part(exchange.connection, self.entry, self.position, self.stop)
        body.go_on_at(position)
        return body

    def _answer_alone(self, exchange: Exchange) -> None:
        told = self._attend(exchange, self._herds.new_id(None))
        if exchange.complete is None:
            self._herds.answers.send(
                exchange, told, self.entry, self._selection, Outcome.MISS, self._status
            )

    def _attend(self, exchange: Exchange, name: bytes) -> Told:
        """See to it that the answer is accounted for, also where the viewer has left already."""
        told = self._told(name)
        if exchange.complete is None:
            exchange.on_end = partial(self._herds.settle, told)
        else:
            self._herds.settle(told, exchange, False)
        return told

    def _told(self, request_id: bytes) -> Told:
        """The course of one of these requests."""
        status = 206 if isinstance(self._selection, Part) else self.entry.head.status
        return Told(
            request_id,
            status,
            self._status,
            Outcome.MISS,
            self._miss_class,
            self._forward,
            collapsed=True,
        )

    def _leave(self) -> None:
        """Only when all stand among the readers themselves: with the last reader of a version that
        was replaced its blocks go, and what comes for nobody is given up."""
        self.entry.readers.discard(self)
        self._herds.fills.left(self)  # type: ignore[arg-type]


def _send(exchange: Exchange, data: bytes) -> None:
    """Hand the socket what it takes; the rest goes first when the connection is pumped."""
    connection = exchange.connection
    try:
        sent = connection.send(data)
    except BlockingIOError:
        sent = 0
    except OSError:
        connection.server.drop(connection)
        return
    connection.sent_bytes += sent
    if sent < len(data):
        connection.head = data[sent:]
        connection.server.stalled(connection)
