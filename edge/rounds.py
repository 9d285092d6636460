"""What came in since the last look at the sockets: a few bounded rounds of events.

A plain request on a connection where nothing else is going on stays here: it is read, and the fast
lane answers it. Every other event is the server's. Compiled with the lane where that is wanted
(`edge.compiled`).
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from edge.fastlane import FastLane
from edge.primitives import Primitives

if TYPE_CHECKING:
    from edge.server import Server

EVENTS_PER_ROUND: Final = 64
ROUNDS_PER_TURN: Final = 4
"""Bounds of a turn, so that fills get their share of the thread under load."""
BUSY_EVENTS: Final = 8
"""A round this full is followed by another: coming back through the outer loop costs more."""
LOG_LINES_PER_TURN: Final = 512
"""Log lines are joined in small lots, so that no viewer waits for a second's worth."""
LANE_READ_BYTES: Final = 4096
READABLE: Final = select.EPOLLIN | select.EPOLLOUT
GONE: Final = select.EPOLLHUP | select.EPOLLERR

Poll = Callable[[float, int], list[tuple[int, int]]]


class Rounds:
    """Those of one server, whose epoll `poll` asks.

    `idle_deadline` is given to connections that have had their answer. `wall_clock` tells when a
    round's answers are given, `on_records` is called when the lane has logged enough.
    """

    __slots__ = ("_lane", "_on_records", "_server", "_wall_clock", "idle_deadline", "poll")

    def __init__(
        self,
        server: Server,
        lane: FastLane,
        poll: Poll,
        wall_clock: Callable[[], float],
        on_records: Callable[[], None],
    ) -> None:
        self._server = server
        self._lane = lane
        self._wall_clock = wall_clock
        self._on_records = on_records
        self.poll = poll
        self.idle_deadline = 0

    def turn(self) -> None:
        """There are events: answer what is plain, hand on the rest."""
        lane = self._lane
        for _ in range(ROUNDS_PER_TURN):
            events = self.poll(0, EVENTS_PER_ROUND)
            lane.begin_turn(self._wall_clock())  # Behind the poll: `edge.box.abreast`.
            self._handle(events)
            if len(events) < BUSY_EVENTS:
                break
        log = lane.log
        if log is not None and log.lines.count >= LOG_LINES_PER_TURN:
            self._on_records()

    def _handle(self, events: list[tuple[int, int]]) -> None:
        server = self._server
        connections = server.connections
        lane = self._lane
        stand_in = lane.stand_in
        for fd, event in events:
            connection = connections.get(fd)
            if connection is None:
                if fd in server.listeners:
                    server.accept(server.listeners[fd])
            elif event == READABLE and connection.idle:
                try:
                    data = Primitives.read(fd, LANE_READ_BYTES)
                except BlockingIOError:
                    continue
                except OSError:
                    server.drop(connection)
                    continue
                # A full read may have left more in the socket, and no other edge tells of it.
                is_whole = len(data) < LANE_READ_BYTES
                if is_whole and (
                    lane.answer(connection, data)
                    if stand_in is None
                    else stand_in(connection, data)
                ):
                    if connection.idle:
                        connection.deadline = self.idle_deadline
                else:
                    server.take(connection, data, readable=not is_whole)
            elif event & GONE:
                server.drop(connection)
            elif connection.lingering:
                server.linger(connection)
            else:
                server.ready(connection, event)
