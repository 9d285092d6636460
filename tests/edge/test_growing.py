"""A block on its way is full with its last byte, and wakes whoever has a use for what came."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

import pytest

from edge.growing import BlockMemory, Growing, GrowingState
from edge.portions import CROWD, PATIENCE_SECONDS
from tests.edge.made import BLOCK, an_entry


@pytest.mark.parametrize(("block", "size"), [(0, BLOCK), (2, 7)])
def test_a_block_is_full_with_its_last_byte(block: int, size: int) -> None:
    growing = Growing(an_entry(2 * BLOCK + 7), block)
    assert (growing.size, growing.state) == (size, GrowingState.RECEIVING)
    growing.received = size - 1
    assert not growing.is_full
    growing.received += 1
    assert growing.is_full


@pytest.mark.parametrize(("block", "size"), [(0, BLOCK), (2, 7)])
def test_its_memory_is_as_long_as_the_block_and_given_back_whole_and_once(
    block: int, size: int
) -> None:
    memory = BlockMemory()
    growing = Growing(an_entry(2 * BLOCK + 7), block)
    assert len(growing.take(memory)) == size
    growing.give(memory)
    growing.give(memory)
    assert growing.memory is None
    assert memory.kept_bytes == BLOCK


class StandIn:
    """A reader that notes when it looks, and the loop that it looks in."""

    def __init__(self) -> None:
        self.looks = 0
        self.body = self
        self.connection = self
        self.server = self
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def pump(self, connection: StandIn) -> None:
        self.looks += 1

    def call_later(self, seconds: float, do: Callable[..., None], *arguments: Any) -> None:
        self.timers.append((seconds, partial(do, *arguments)))


def a_crowd(count: int) -> tuple[Any, Growing, list[StandIn]]:
    """A loop, a block of which some bytes are here, and so many who wait for its file."""
    growing = Growing(an_entry(BLOCK), 0)
    growing.received = 10
    readers = [StandIn() for _ in range(count)]
    for reader in readers:
        growing.wait(reader, is_patient=True)  # type: ignore[arg-type]
    return StandIn(), growing, readers


def looks(readers: list[StandIn]) -> set[int]:
    return {reader.looks for reader in readers}


@pytest.mark.parametrize("state", [GrowingState.SAVED, GrowingState.UNSAVED, GrowingState.FAILED])
def test_a_crowd_looks_when_the_block_has_come_to_its_end_and_not_while_it_grows(
    state: GrowingState,
) -> None:
    loop, growing, readers = a_crowd(CROWD)
    growing.pump(loop)
    growing.state = GrowingState.SAVING
    growing.pump(loop)
    assert looks(readers) == {0}
    assert growing.crowd_now == CROWD
    growing.state = state
    growing.pump(loop)
    assert looks(readers) == {1}
    assert not growing.is_awaited


def test_who_has_nothing_yet_looks_beside_a_crowd_that_waits() -> None:
    loop, growing, readers = a_crowd(CROWD)
    newcomer = StandIn()
    growing.wait(newcomer, is_patient=False)  # type: ignore[arg-type]
    growing.pump(loop)
    assert (newcomer.looks, looks(readers)) == (1, {0})


def test_those_left_of_a_crowd_look_as_the_block_grows() -> None:
    loop, growing, readers = a_crowd(CROWD)
    growing.leave(readers[0])  # type: ignore[arg-type]
    growing.pump(loop)
    assert looks(readers[1:]) == {1}


def test_a_crowd_looks_once_its_bytes_have_waited_long_enough() -> None:
    loop, growing, readers = a_crowd(CROWD)
    for _ in range(3):
        growing.pump(loop)
    ((seconds, remind),) = loop.timers
    assert seconds == PATIENCE_SECONDS
    growing.received = 20
    remind()
    assert (growing.overdue, looks(readers)) == (20, {1})
    growing.wait(readers[0], is_patient=False)  # type: ignore[arg-type]
    growing.remind(loop)
    assert len(loop.timers) == 2


@pytest.mark.parametrize("state", [GrowingState.SAVED, GrowingState.FAILED])
def test_nobody_is_reminded_of_a_block_that_has_come_to_its_end(state: GrowingState) -> None:
    loop, growing, readers = a_crowd(1)
    growing.remind(loop)
    growing.state = state
    loop.timers[0][1]()
    growing.remind(loop)
    assert (growing.overdue, looks(readers), len(loop.timers)) == (0, {0}, 1)


def test_a_reminder_keeps_no_block_alive() -> None:
    loop, growing, _ = a_crowd(0)
    growing.remind(loop)
    gone = ref(growing)
    del growing
    assert gone() is None
    loop.timers[0][1]()
