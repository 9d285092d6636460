"""A block on its way is full when every byte is here, the last and shorter one too."""

from __future__ import annotations

import pytest

from edge.growing import Growing, GrowingState
from tests.edge.made import BLOCK, an_entry


@pytest.mark.parametrize(("block", "size"), [(0, BLOCK), (2, 7)])
def test_a_block_is_full_with_its_last_byte(block: int, size: int) -> None:
    growing = Growing(an_entry(2 * BLOCK + 7), block)
    assert (growing.size, growing.state) == (size, GrowingState.RECEIVING)
    growing.received = size - 1
    assert not growing.is_full
    growing.received += 1
    assert growing.is_full
