"""Everybody who waits is told only after a sync that began after their write."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from origin.catalog.log_sync import LogSync, sync_file


class Disk:
    """A disk whose syncs end when the test lets them."""

    def __init__(self) -> None:
        self.written = 0
        self.durable = 0
        self.syncs = 0
        self.fails = False
        self.let_go = threading.Semaphore(0)
        self.began = threading.Semaphore(0)

    def sync(self) -> None:
        written = self.written
        self.syncs += 1
        self.began.release()
        self.let_go.acquire()
        if self.fails:
            raise OSError("no disk")
        self.durable = written


async def write(disk: Disk, log: LogSync) -> bool:
    """Write one thing and wait; whether it is durable then."""
    disk.written += 1
    number = disk.written
    await log.wait()
    return disk.durable >= number


async def test_who_writes_during_a_sync_waits_for_the_next_one_with_all_others() -> None:
    disk = Disk()
    log = LogSync(disk.sync)
    first = asyncio.ensure_future(write(disk, log))
    await asyncio.to_thread(disk.began.acquire)
    others = [asyncio.ensure_future(write(disk, log)) for _ in range(50)]
    await asyncio.sleep(0)
    disk.let_go.release(2)
    assert await first
    assert all(await asyncio.gather(*others))
    assert disk.syncs == 2
    log.close()


async def test_a_failure_is_told_to_all_who_waited_for_that_sync_and_to_nobody_else() -> None:
    disk = Disk()
    log = LogSync(disk.sync)
    disk.fails = True
    waiting = [asyncio.ensure_future(write(disk, log)) for _ in range(3)]
    await asyncio.to_thread(disk.began.acquire)
    disk.let_go.release()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in told] == [OSError] * 3
    disk.fails = False
    disk.let_go.release()
    assert await write(disk, log)
    log.close()


async def test_who_is_cancelled_takes_the_sync_from_nobody() -> None:
    disk = Disk()
    log = LogSync(disk.sync)
    one, other = (asyncio.ensure_future(write(disk, log)) for _ in range(2))
    await asyncio.to_thread(disk.began.acquire)
    one.cancel()
    disk.let_go.release()
    with pytest.raises(asyncio.CancelledError):
        await one
    assert await other
    log.close()


def test_a_file_that_is_gone_needs_no_sync(tmp_path: Path) -> None:
    sync_file(str(tmp_path / "none"))
    (tmp_path / "log").write_bytes(b"x")
    sync_file(str(tmp_path / "log"))
    with pytest.raises(NotADirectoryError):
        sync_file(str(tmp_path / "log" / "log"))
