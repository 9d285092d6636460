"""Pieces from a producer to a reader of another speed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from edge.body import HIGH_WATER_BYTES, Progress, StreamBody
from edge.connection import Connection


class Taker:
    """Stands for the connection: takes a piece when told to, and counts the calls for room."""

    def __init__(self, *, chunked: bool = False) -> None:
        self.pumped = 0
        self.rooms = 0
        self.taken = b""
        self.connection: Any = SimpleNamespace(head=b"", server=SimpleNamespace(pump=self._pump))
        self.body = StreamBody(
            cast(Connection, self.connection), chunked=chunked, on_room=self._on_room
        )

    def take(self) -> Progress:
        progress = self.body.advance(self.connection)
        self.taken += bytes(self.connection.head)
        self.connection.head = b""
        return progress

    def _pump(self, connection: object) -> None:
        self.pumped += 1

    def _on_room(self) -> None:
        self.rooms += 1


@given(st.lists(st.one_of(st.binary(max_size=9), st.none()), max_size=30))
def test_pieces_come_out_as_they_went_in(steps: list[bytes | None]) -> None:
    taker = Taker()
    for step in steps:
        if step is None:
            taker.take()
        else:
            taker.body.offer(step)
    taker.body.end()
    while taker.take() is Progress.READY:
        pass
    assert taker.taken == b"".join(step for step in steps if step)
    assert taker.take() is Progress.DONE


@given(st.lists(st.binary(max_size=40), max_size=9))
def test_chunks_carry_their_sizes_and_one_end(pieces: list[bytes]) -> None:
    taker = Taker(chunked=True)
    for piece in pieces:
        taker.body.offer(piece)
    taker.body.end()
    while taker.take() is Progress.READY:
        pass
    expected = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    assert taker.taken == expected + b"0\r\n\r\n"


def test_a_full_body_asks_for_more_once_it_has_room() -> None:
    taker = Taker()
    taker.body.offer(bytes(HIGH_WATER_BYTES))
    assert not taker.body.is_full
    taker.body.offer(b"x")
    assert taker.body.is_full
    assert taker.rooms == 0
    taker.take()
    assert not taker.body.is_full
    taker.take()
    assert taker.rooms == 1
    assert taker.take() is Progress.WAIT


def test_a_failed_body_breaks_after_what_was_queued() -> None:
    taker = Taker()
    taker.body.offer(b"so far")
    taker.body.fail()
    assert taker.take() is Progress.READY
    assert taker.take() is Progress.BROKEN
    assert taker.taken == b"so far"


def test_a_closed_body_drops_everything_and_tells_its_producer() -> None:
    taker = Taker()
    taker.body.offer(b"never sent")
    taker.body.close()
    assert taker.rooms == 1
    assert taker.body.is_cut
    taker.body.offer(b"too late")
    assert taker.take() is Progress.WAIT
    assert taker.taken == b""


def test_a_body_that_ended_is_not_cut_by_its_close() -> None:
    taker = Taker()
    taker.body.end()
    taker.body.close()
    assert not taker.body.is_cut
