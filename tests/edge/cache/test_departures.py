"""Many blocks leave a few at a time."""

from __future__ import annotations

import asyncio

from edge.cache.departures import AT_ONCE_BLOCKS, Departures
from edge.entry import HELD, Entry
from tests.edge.conftest import eventually
from tests.edge.made import BLOCK, an_entry


def held(blocks: int) -> Entry:
    entry = an_entry(blocks * BLOCK)
    entry.present[:] = bytearray([HELD]) * blocks
    return entry


async def test_few_blocks_go_at_once_and_many_in_turns() -> None:
    went: list[tuple[Entry, int]] = []
    gone: list[Entry] = []
    departures = Departures(
        asyncio.get_running_loop(), lambda entry, block: went.append((entry, block)), gone.append
    )
    small, large = held(3), held(5 * AT_ONCE_BLOCKS)
    departures.add(small)
    assert (len(went), gone) == (3, [small])
    departures.add(large)
    departures.add(small)
    assert len(went) == 3 + AT_ONCE_BLOCKS
    await eventually(lambda: not departures, "all have left")
    assert gone == [small, large, small]
    assert [block for entry, block in went if entry is large] == list(range(5 * AT_ONCE_BLOCKS))


async def test_what_waits_goes_when_the_disks_end() -> None:
    gone: list[Entry] = []
    departures = Departures(asyncio.get_running_loop(), lambda entry, block: None, gone.append)
    large = held(5 * AT_ONCE_BLOCKS)
    departures.add(large)
    assert gone == []
    departures.finish()
    assert (gone, len(departures)) == ([large], 0)
