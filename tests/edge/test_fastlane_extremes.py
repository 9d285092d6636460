"""The fast lane where numbers are large, and where what it calls raises."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from edge.blockfile import BlockFile
from edge.connection import Connection
from edge.entry import HELD, Entry
from edge.exchange import UNTIMED
from edge.fastlane import FastLane
from edge.lanelog import LaneLog
from edge.targets import Hot, Targets
from tests.edge.made import an_entry

pytestmark = pytest.mark.both_forms

LARGE = 1 << 34
"""A block's bytes, more than 32 bits count; its file has holes, and takes no room."""
UP_TO_RANGE = b" HTTP/1.1\r\nHost: a.test\r\nRange: bytes="
END = b"\r\n\r\n"
UNTIL = 1_700_000_001.25


class Stage:
    """A lane on a film of three large blocks, one connection, and what its server is told."""

    def __init__(self, folder: Path, ours: socket.socket) -> None:
        self.calls: list[str] = []
        self.entry = self._film(folder)
        self.lane = FastLane(self.heads, b"p", LaneLog("edge", b"p"), Targets(9))
        self.lane.teach(b"/film", self.entry, UNTIL, "")
        self.lane.begin_turn(UNTIL - 1.0)
        self.connection = Connection(cast(Any, self), ours, ours.fileno(), "")
        self.connection.before, self.connection.before_size = UP_TO_RANGE, len(UP_TO_RANGE)
        self.connection.after, self.connection.after_size = END, len(END)

    @property
    def hot(self) -> Hot:
        return self.lane.targets.by_line[b"GET /film"]

    def ask(self, digits: str) -> bool:
        return self.lane.answer(self.connection, b"GET /film" + UP_TO_RANGE + digits.encode() + END)

    def heads(self, entry: Entry, at: float) -> tuple[bytes, bytes, float]:
        return b"whole\r\n", b"part\r\n", UNTIL

    def stalled(self, connection: Connection) -> None:
        self.calls.append("stalled")

    def drop(self, connection: Connection) -> None:
        self.calls.append("drop")

    @staticmethod
    def _film(folder: Path) -> Entry:
        entry = an_entry(3)
        entry.size_bytes, entry.block_bytes = 3 * LARGE, LARGE
        entry.present[:] = bytes([HELD]) * 3
        entry.count = 3
        entry.files = []
        for block in range(3):
            path = folder / str(block)
            with path.open("wb") as file:
                file.truncate(LARGE)
                file.seek(LARGE // 2)
                file.write(b"middle of %d" % block)
            entry.files.append(BlockFile(os.open(path, os.O_RDONLY)))
        return entry


@pytest.fixture
def client() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.settimeout(10)
        yield ours, theirs


@pytest.fixture
def stage(tmp_path: Path, client: tuple[socket.socket, socket.socket]) -> Stage:
    return Stage(tmp_path, client[0])


def received(client: tuple[socket.socket, socket.socket], size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += client[1].recv(size - len(data))
    return data


def test_positions_and_counters_beyond_32_bits_are_as_any(
    stage: Stage, client: tuple[socket.socket, socket.socket]
) -> None:
    stage.lane._number = stage.lane.parts = 1 << 40
    stage.hot.unbilled = 1 << 40
    start = LARGE + LARGE // 2
    head = (
        b"part\r\nX-Request-Id: p%x\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: 11\r\n\r\n"
        % ((1 << 40) + 1, start, start + 10, 3 * LARGE)
    )
    assert stage.ask(f"{start}-{start + 10}")
    assert received(client, len(head) + 11) == head + b"middle of 1"
    assert stage.lane._number == stage.lane.parts == (1 << 40) + 1
    assert stage.hot.unbilled == (1 << 40) + len(head) + 11
    assert stage.entry.recent == bytearray(b"\0\1\0")
    assert stage.calls == []


def test_what_is_left_of_a_large_range_goes_on_where_the_socket_stopped(stage: Stage) -> None:
    assert stage.ask(f"{LARGE}-{2 * LARGE - 1}")
    connection = stage.connection
    assert stage.calls == ["stalled"]
    assert connection.file is stage.entry.files[1]
    assert connection.offset > 0
    assert connection.offset + connection.left == LARGE
    connection.sent_bytes += connection.left
    connection.offset += connection.left
    connection.left = 0
    stage.lane.settle(connection, complete=True)
    assert stage.hot.unbilled == connection.sent_bytes > LARGE == connection.offset
    assert stage.lane.log is not None
    assert b'"bytes":%d,' % connection.sent_bytes in stage.lane.log.take()


def test_a_run_of_large_blocks_goes_on_where_the_socket_stopped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr("edge.fastlane.HeldBody", lambda *given: told.append(given))
    stage.connection.channel = cast(Any, object())
    stage.connection.send = lambda data, flags=0: len(data)
    stage.connection.send_file = cast(Any, lambda fd, offset, size: min(size, LARGE - 7))
    assert stage.ask(f"{LARGE - 1}-{3 * LARGE - 1}")
    files = stage.entry.files
    assert told == [(files, LARGE, 0, 2 * LARGE - 7, 3 * LARGE)]
    assert stage.connection.sent_bytes > LARGE - 6
    assert stage.calls == ["stalled"]


def test_numbers_that_no_film_has_are_left_to_the_full_path(stage: Stage) -> None:
    most = "9" * 18
    for digits in (f"{most}-", f"{most}-{most}", f"0-{most}9", f"{most}9-", f"5-{2 * LARGE}-9"):
        assert not stage.ask(digits)
    assert stage.lane._number == 0


def test_a_moment_is_kept_to_the_microsecond(stage: Stage) -> None:
    moment = UNTIL - 2**-20
    stage.lane.begin_turn(moment)
    assert stage.lane.turn_at == moment
    assert stage.ask("5-5")
    stage.lane.begin_turn(UNTIL)
    assert not stage.ask("5-5")


def test_a_connection_that_nothing_times_is_never_late(stage: Stage) -> None:
    stage.connection.deadline = UNTIMED
    assert stage.connection.deadline == UNTIMED > 1 << 60


@pytest.mark.parametrize("digits", ["5-9", f"{LARGE - 1}-{LARGE}"])
def test_what_a_part_of_the_lane_raises_comes_out_of_it(stage: Stage, digits: str) -> None:
    def fails(entry: Entry, at: float) -> tuple[bytes, bytes, float]:
        raise ZeroDivisionError

    lane = FastLane(fails, b"p", None, stage.lane.targets)
    lane.begin_turn(UNTIL - 1.0)
    data = b"GET /film" + UP_TO_RANGE + digits.encode() + END
    with pytest.raises(ZeroDivisionError):
        lane.answer(stage.connection, data)
    stage.connection.sends_cmcd = True
    with pytest.raises(ZeroDivisionError):
        lane.answer(stage.connection, data)
    assert stage.connection.sends_cmcd


@pytest.mark.parametrize("field", ["part", "before", "after"])
def test_nothing_in_place_of_bytes_is_an_error_and_no_answer(stage: Stage, field: str) -> None:
    setattr(stage.connection, field, None)
    with pytest.raises((TypeError, AttributeError)):
        stage.ask("5-9")
