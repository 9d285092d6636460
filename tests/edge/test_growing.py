"""A block on its way is full when every byte is here, the last and shorter one too."""

from __future__ import annotations

import pytest

from edge.growing import BlockMemory, Growing, GrowingState
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
