"""What is found is in the state the last stop left it in, and has missed nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.cache.disk import Disk
from edge.cache.holdings import Holdings
from edge.cache.records import record_of
from edge.entry import HELD, UNVERIFIED, Entry
from tests.edge.made import BLOCK, an_entry

KEYS = [b"/a", b"/b"]


async def opened(path: Path, *, clean: bool = True) -> Holdings:
    disk = Disk(path, 1 << 20)
    disk.prepare()
    for key in KEYS:
        entry = an_entry(BLOCK, key=key)
        disk.write_entry(entry.object_id, record_of(entry))
        disk.write_block(entry.object_id, entry.files_name, 0, memoryview(bytes(BLOCK)))
    disk.close(clean)
    holdings = Holdings([Disk(path, 1 << 20)], asyncio.get_running_loop())
    await holdings.open()
    return holdings


@pytest.mark.parametrize(("clean", "state"), [(True, HELD), (False, UNVERIFIED)])
async def test_blocks_are_trusted_only_after_a_stop_in_order(
    tmp_path: Path, clean: bool, state: int
) -> None:
    holdings = await opened(tmp_path, clean=clean)
    holdings.loading.start()
    assert await holdings.loading.finished()
    assert {bytes(entry.present) for entry in holdings.entries.values()} == {bytes([state])}
    assert holdings.finding.is_in_order(holdings.disks[0]) == clean
    await holdings.close()


async def test_entries_that_are_found_later_get_once_what_they_have_missed(
    tmp_path: Path,
) -> None:
    holdings = await opened(tmp_path)
    await holdings.loading.reach(KEYS[0])
    done: list[Entry] = []
    holdings.finding.do_later(done.append)
    assert not done
    holdings.loading.start()
    assert await holdings.loading.finished()
    assert sorted(entry.key for entry in done) == KEYS[1:]
    holdings.finding.do_later(lambda entry: pytest.fail("all is found"))
    await holdings.close()
