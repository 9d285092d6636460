"""A turn is bounded, keeps plain requests to itself, and leaves everything else to the server."""

from __future__ import annotations

import itertools
import select
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from edge.connection import Connection
from edge.fastlane import FastLane
from edge.lanelog import LaneLog
from edge.rounds import (
    BUSY_EVENTS,
    EVENTS_PER_ROUND,
    GONE,
    LANE_READ_BYTES,
    LOG_LINES_PER_TURN,
    READABLE,
    ROUNDS_PER_TURN,
    Rounds,
)
from edge.targets import Targets

pytestmark = pytest.mark.both_forms

Event = tuple[int, int]
UNKNOWN_FD = 1 << 20
REQUEST = b"GET /a HTTP/1.1\r\n\r\n"


@dataclass
class RecordingServer:
    """Writes down what is left to it."""

    connections: dict[int, Connection] = field(default_factory=dict)
    listeners: dict[int, str] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def accept(self, listener: str) -> None:
        self.calls.append(("accept", listener))

    def take(self, connection: Connection, data: bytes, readable: bool) -> None:
        self.calls.append(("take", data, readable))

    def drop(self, connection: Connection) -> None:
        self.calls.append(("drop", connection))

    def linger(self, connection: Connection) -> None:
        self.calls.append(("linger", connection))

    def ready(self, connection: Connection, event: int) -> None:
        self.calls.append(("ready", connection, event))


class Stage:
    """Rounds whose events are scripted: each poll gives the next lot, then nothing."""

    def __init__(self, lots: list[list[Event]], stand_in: Any = None) -> None:
        self.server = RecordingServer()
        self.polls: list[tuple[float, int]] = []
        self.moments: list[float] = []
        self.records = 0
        self.lane = FastLane(
            cast(Callable[..., Any], None), b"p", LaneLog("edge", b"p"), Targets(9)
        )
        self.lane.stand_in = stand_in
        self.lane.on_turn = lambda: self.moments.append(self.lane.turn_at)
        self._lots = iter(lots)
        clock = itertools.count(100)
        self.rounds = Rounds(
            cast(Any, self.server), self.lane, self.poll, lambda: float(next(clock)), self.told
        )
        self.rounds.idle_deadline = 77

    def poll(self, seconds: float, count: int) -> list[Event]:
        self.polls.append((seconds, count))
        return next(self._lots, [])

    def told(self) -> None:
        self.records += 1


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield Connection(cast(Any, None), ours, ours.fileno(), ""), theirs


def handled(
    connection: Connection, event: int = READABLE, answers: bool | None = None
) -> RecordingServer:
    """What one event of a connection leaves to the server."""
    stage = Stage([[(connection.fd, event)]], None if answers is None else lambda *_: answers)
    stage.server.connections[connection.fd] = connection
    stage.rounds.turn()
    return stage.server


@pytest.mark.parametrize(
    ("sizes", "polls"),
    [
        ([], 1),
        ([BUSY_EVENTS - 1, 64], 1),
        ([BUSY_EVENTS, BUSY_EVENTS - 1, 64], 2),
        ([64] * 20, ROUNDS_PER_TURN),
    ],
)
def test_a_turn_goes_on_while_rounds_are_full_and_not_for_long(
    sizes: list[int], polls: int
) -> None:
    stage = Stage([[(UNKNOWN_FD, READABLE)] * size for size in sizes])
    stage.rounds.turn()
    assert stage.polls == [(0, EVENTS_PER_ROUND)] * polls
    assert stage.moments == [100.0 + number for number in range(polls)]
    assert stage.server.calls == []


def test_log_lines_are_handed_on_in_lots() -> None:
    stage = Stage([])
    assert stage.lane.log is not None
    for number in range(1, LOG_LINES_PER_TURN + 1):
        stage.lane.log.lines.add(*[b"x"] * 8)
        stage.rounds.turn()
        assert stage.records == (number == LOG_LINES_PER_TURN)


def test_a_listener_with_connections_is_accepted_from() -> None:
    stage = Stage([[(5, select.EPOLLIN)]])
    stage.server.listeners[5] = "listener"
    stage.rounds.turn()
    assert stage.server.calls == [("accept", "listener")]


def test_a_request_that_is_answered_here_gives_its_connection_the_idle_limit(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, client = pair
    client.sendall(REQUEST)
    assert handled(connection, answers=True).calls == []
    assert connection.deadline == 77


def test_an_answer_that_is_not_out_yet_keeps_the_limit_it_was_given(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, client = pair
    client.sendall(REQUEST)
    stage = Stage([[(connection.fd, READABLE)]])
    stage.server.connections[connection.fd] = connection

    def stalls(asked: Connection, data: bytes) -> bool:
        asked.idle = False
        asked.deadline = 5
        return True

    stage.lane.stand_in = stalls
    stage.rounds.turn()
    assert connection.deadline == 5


@pytest.mark.parametrize("answers", [None, False])
def test_a_request_that_the_lane_does_not_know_is_taken_with_its_bytes(
    pair: tuple[Connection, socket.socket], answers: bool | None
) -> None:
    connection, client = pair
    client.sendall(REQUEST)
    assert handled(connection, answers=answers).calls == [("take", REQUEST, False)]


def test_a_full_read_is_never_answered_here_for_there_may_be_more(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, client = pair
    client.sendall(b"x" * LANE_READ_BYTES)
    server = handled(connection, answers=True)
    assert server.calls == [("take", b"x" * LANE_READ_BYTES, True)]


def test_the_end_of_a_stream_is_taken_as_nothing(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    client.close()
    assert handled(connection).calls == [("take", b"", False)]


def test_a_dry_socket_is_left_alone(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    assert handled(connection).calls == []


def test_a_connection_that_cannot_be_read_is_dropped(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, _ = pair
    connection.fd = UNKNOWN_FD
    assert handled(connection).calls == [("drop", connection)]


@pytest.mark.parametrize("event", [select.EPOLLHUP, select.EPOLLERR | READABLE, GONE])
def test_a_connection_that_is_gone_is_dropped(
    pair: tuple[Connection, socket.socket], event: int
) -> None:
    connection, _ = pair
    assert handled(connection, event).calls == [("drop", connection)]


def test_what_is_not_plain_is_the_servers(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    client.sendall(REQUEST)
    for event in (select.EPOLLOUT, READABLE | select.EPOLLRDHUP):
        assert handled(connection, event).calls == [("ready", connection, event)]
    connection.idle = False
    assert handled(connection).calls == [("ready", connection, READABLE)]
    connection.lingering = True
    assert handled(connection).calls == [("linger", connection)]
