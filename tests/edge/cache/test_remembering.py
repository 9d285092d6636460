"""What the rules have learned is known to the next life, after a kill too, or not believed."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from config.eviction import Eviction
from edge.cache.disk import Disk
from edge.cache.index import BlockIndex
from edge.cache.keeping import Keeping, shelf_of_number
from edge.cache.policy.learned import strongest
from edge.cache.policy.named import Rule, order_maker
from edge.cache.remembering import Remembering, learned_name
from edge.cache.shelves import ALL_SHELVES, owner_of, shelf_of, shelves_of
from edge.entry import HELD, name_of
from tests.edge.conftest import BLOCK, Plan, eventually
from tests.edge.made import an_entry

KEYS = [b"/films/%d" % number for number in range(40)]
NOW = 1_800_000_000.0


class Life:
    """One worker of several, under a rule that knows titles."""

    def __init__(self, path: Path, number: int = 0, workers: int = 1) -> None:
        self.disk = Disk(path, 1 << 20, shelves=shelves_of(number, workers))
        self.disk.prepare()
        self.keeping = Keeping(
            [self.disk],
            lambda disk: BlockIndex(disk.size_bytes, order_maker(Rule("duel"))),
            lambda: NOW,
        )
        self.remembering = Remembering(self.keeping, lambda: NOW)
        self.number, self.workers = number, workers

    def ask(self) -> None:
        """Once for each title that the worker owns."""
        for key in KEYS:
            if owner_of(name_of(key), self.workers) == self.number:
                entry = an_entry(100, key=key)
                entry.disk = self.disk
                self.keeping.enrol(entry)
                self.keeping.is_wanted(entry, 0)

    def known(self) -> set[int]:
        (index,) = self.keeping.indexes
        return {
            number for each in index.learned(NOW).values() for number in strongest(each).numbers
        }


def number_of(key: bytes) -> int:
    return int(name_of(key)[:10], 16)


async def learn(path: Path, workers: int) -> None:
    for number in range(workers):
        life = Life(path, number, workers)
        life.ask()
        await life.remembering.save()


async def known_after(path: Path, workers: int) -> list[set[int]]:
    known = []
    for number in range(workers):
        life = Life(path, number, workers)
        await life.remembering.load()
        known.append(life.known())
    return known


def test_a_number_tells_its_shelf() -> None:
    for key in KEYS:
        assert shelf_of_number(number_of(key)) == shelf_of(name_of(key))


@pytest.mark.parametrize(("before", "after"), [(1, 1), (3, 3), (1, 4), (4, 1), (3, 5)])
async def test_each_worker_knows_what_was_learned_of_what_it_owns(
    tmp_path: Path, before: int, after: int
) -> None:
    await learn(tmp_path, before)
    known = await known_after(tmp_path, after)
    for number in range(after):
        own = {number_of(key) for key in KEYS if owner_of(name_of(key), after) == number}
        assert own <= known[number]
        if before != after:
            assert own == known[number]


async def test_what_other_numbers_of_workers_left_long_ago_is_passed_over(tmp_path: Path) -> None:
    await learn(tmp_path, 1)
    (tmp_path / "learned-00-7f").write_bytes((tmp_path / "learned").read_bytes())
    os.utime(tmp_path / "learned-00-7f", (1, 1))
    (tmp_path / "learned").write_bytes(b"damaged")
    assert await known_after(tmp_path, 1) == [set()]


@pytest.mark.parametrize("spoil", [b"", b"CDL1", bytes(1_000)])
async def test_what_is_damaged_is_not_believed(tmp_path: Path, spoil: bytes) -> None:
    await learn(tmp_path, 1)
    (tmp_path / "learned").write_bytes(spoil)
    assert await known_after(tmp_path, 1) == [set()]


async def test_a_rule_that_knows_no_titles_writes_nothing(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 1 << 20)
    disk.prepare()
    keeping = Keeping([disk], lambda disk: BlockIndex(disk.size_bytes), lambda: NOW)
    await Remembering(keeping, lambda: NOW).save()
    assert not (tmp_path / learned_name(ALL_SHELVES)).exists()


async def test_a_disk_that_takes_nothing_ends_nothing(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.ask()
    (tmp_path / "learned.new").mkdir()
    await life.remembering.save()
    assert not (tmp_path / "learned").exists()


async def test_it_is_written_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.cache.remembering.SNAPSHOT_SECONDS", 0.0)
    life = Life(tmp_path)
    running = asyncio.ensure_future(life.remembering.run())
    try:
        await eventually((tmp_path / "learned").exists, "it is written")
        before = (tmp_path / "learned").read_bytes()
        life.ask()
        await eventually(
            lambda: len((tmp_path / "learned").read_bytes()) > len(before), "it is written anew"
        )
    finally:
        running.cancel()


async def test_an_edge_that_is_started_again_knows_what_was_asked_for(plan: Plan) -> None:
    plan = plan.but(eviction=Eviction("titlelfu"))
    for path in ("/hot", "/cold"):
        plan.origin.put(path, bytes(3 * BLOCK))
    async with plan.start() as edge:
        client = await edge.client()
        for path in ("/cold", "/hot"):
            await client.ask(path, f"Range: bytes=0-{BLOCK - 1}")
        holdings = edge.worker.holdings
        await eventually(lambda: holdings.entries[b"/hot"].present[0] == HELD, "it is held")
        for _ in range(9):
            holdings.touch(holdings.entries[b"/hot"], 0, 1)
    async with plan.start() as edge:
        (index,) = edge.worker.holdings.keeping.indexes
        (learned,) = index.learned(time.time()).values()
        scores = dict(zip(learned.numbers, learned.scores, strict=True))
        assert scores[number_of(b"/hot")] > scores[number_of(b"/cold")] + 1
