"""Rules know a title by its key; pins reach what is held and what will be."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.eviction import Eviction, Share
from config.topology import MIB, CacheDisk
from edge.app import worker
from edge.cache.disk import Disk
from edge.cache.index import BlockIndex
from edge.cache.keeping import Keeping, lru_index
from edge.cache.policy.named import Rule, order_maker
from edge.entry import HELD, UNVERIFIED, Entry
from tests.edge.conftest import Edge, Origin, Plan, eventually
from tests.edge.made import an_entry
from tests.edge.rest import all_at_rest, assert_disk_equals_index
from tests.helpers.clock import FakeClock
from tests.helpers.film_origin import FilmOrigin, film_bytes
from tests.helpers.raw_client import Answer

BLOCK = 100
SIZE = 10 * BLOCK


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path, SIZE)
    yield made
    made.threads.shutdown()


def film(keeping: Keeping, disk: Disk, key: bytes = b"/a", size: int = SIZE) -> Entry:
    entry = an_entry(size, key=key)
    entry.disk = disk
    keeping.enrol(entry)
    return entry


def hold(keeping: Keeping, entry: Entry, *blocks: int) -> list[tuple[Entry, int]]:
    gone = []
    for block in blocks:
        victims = keeping.admit(entry, block)
        assert victims is not None
        entry.present[block] = HELD
        gone += victims
    return gone


def test_a_new_version_has_its_predecessors_number_when_that_has_gone(disk: Disk) -> None:
    keeping = Keeping([disk], lru_index, FakeClock(0.0))
    old = film(keeping, disk)
    beside = film(keeping, disk)
    assert beside.number != old.number
    keeping.forget(old)
    assert not keeping.is_current(old)
    assert film(keeping, disk).number == old.number


def test_who_has_lost_its_number_takes_nothing_from_who_has_it_now(disk: Disk) -> None:
    keeping = Keeping([disk], lru_index, FakeClock(0.0))
    old = film(keeping, disk)
    keeping.forget(old)
    new = film(keeping, disk)
    hold(keeping, new, 0)
    keeping.remove(old, 0)
    assert keeping.pop(disk) == (new, 0)


def test_victims_are_named_by_their_entries(disk: Disk) -> None:
    keeping = Keeping([disk], lru_index, FakeClock(0.0))
    one, other = film(keeping, disk), film(keeping, disk, b"/b")
    assert keeping.admit_all(one, [0, 1, 2])
    assert hold(keeping, other, *range(7)) == []
    keeping.hit(one, 0)
    assert hold(keeping, other, 7, 8) == [(one, 1), (one, 2)]


def test_pins_keep_what_is_held_and_what_comes_later(disk: Disk) -> None:
    keeping = Keeping([disk], lru_index, FakeClock(0.0))
    entry, other = film(keeping, disk), film(keeping, disk, b"/b")
    hold(keeping, entry, 0)
    keeping.pin(b"/a", 0, 2, [entry])
    hold(keeping, entry, 1, 2)
    assert hold(keeping, other, *range(8)) == [(entry, 2)]
    assert keeping.pinned() == {b"/a": [(0, 2)]}
    keeping.unpin(b"/a", 0, 1, [entry])
    assert hold(keeping, other, 8) == [(other, 0)]
    assert hold(keeping, other, *range(3)) == [(other, 1), (other, 2), (other, 3)]
    assert keeping.pinned() == {b"/a": [(1, 2)]}


def test_pins_take_no_more_than_half_of_a_disk(disk: Disk) -> None:
    keeping = Keeping([disk], lru_index, FakeClock(0.0))
    entry, other = film(keeping, disk), film(keeping, disk, b"/b")
    keeping.pin(b"/a", 0, None, [entry])
    hold(keeping, entry, *range(10))
    hold(keeping, other, *range(5))
    assert hold(keeping, other, 5) == [(other, 0)]


def test_pins_take_more_of_a_disk_where_more_is_set(disk: Disk) -> None:
    def new_index(disk: Disk) -> BlockIndex:
        return BlockIndex(disk.size_bytes, pinned_share=0.9)

    keeping = Keeping([disk], new_index, FakeClock(0.0))
    entry, other = film(keeping, disk), film(keeping, disk, b"/b")
    keeping.pin(b"/a", 0, None, [entry])
    hold(keeping, entry, *range(10))
    assert hold(keeping, other, 0) == [(entry, 9)]
    assert hold(keeping, other, 1) == [(other, 0)]


def test_a_rule_may_refuse_what_is_asked_for_but_not_what_is_pinned(disk: Disk) -> None:
    def new_index(disk: Disk) -> BlockIndex:
        return BlockIndex(disk.size_bytes, order_maker(Rule(admission="second")))

    keeping = Keeping([disk], new_index, FakeClock(0.0))
    entry, other = film(keeping, disk), film(keeping, disk, b"/b")
    assert all(keeping.is_wanted(entry, block) for block in range(10))
    hold(keeping, entry, *range(10))
    assert not keeping.is_wanted(other, 0)
    assert keeping.is_wanted(other, 0)
    keeping.pin(b"/b", 5, 6, [other])
    assert keeping.is_wanted(other, 5)


@contextlib.asynccontextmanager
async def ruled(plan: Plan, eviction: Eviction) -> AsyncIterator[Edge]:
    """The edge of `plan` with 16 MiB under a rule."""
    node = replace(plan.node(), disks=(CacheDisk(str(plan.cache), 16 * MIB, eviction),))
    async with worker(node, plan.topology()) as running:
        edge = Edge(running, plan.origin)
        try:
            yield edge
        finally:
            for client in edge.clients:
                client.close()


async def watched(edge: Edge, target: str, start: int, stop: int) -> Answer:
    client = await edge.client()
    answer = await client.ask(target, f"Range: bytes={start}-{stop - 1}")
    assert answer.body == film_bytes(1, start, stop)
    await all_at_rest(edge)
    return answer


async def test_what_is_not_admitted_is_served_from_memory_and_said_to_be_so(
    plan: Plan, origin: Origin
) -> None:
    films = {name: FilmOrigin(16 * MIB, 1 << 16) for name in ("/kept", "/other")}
    for name, made in films.items():
        origin.scripts[name] = made.serve
    async with ruled(plan, Eviction(admission="second")) as edge:
        holdings = edge.worker.holdings
        await watched(edge, "/kept", 0, 16 * MIB)
        await eventually(lambda: holdings.held_bytes == 16 * MIB, "the cache is full")
        first = await watched(edge, "/other", 0, MIB)
        assert "detail=cold" in first.fields["cache-status"]
        entry = holdings.entries[b"/other"]
        assert HELD not in entry.present
        assert holdings.keeping.passed_by_blocks_total >= 16
        second = await watched(edge, "/other", 0, MIB)
        assert "detail=admission" in second.fields["cache-status"]
        await eventually(lambda: set(entry.present[:16]) == {HELD}, "asked for twice, it is kept")
        third = await watched(edge, "/other", 0, MIB)
        assert "hit" in third.fields["cache-status"]
        assert holdings.held_bytes <= 16 * MIB
    assert_disk_equals_index(plan.cache, edge)


async def test_pins_hold_through_a_scan_and_a_restart(plan: Plan, origin: Origin) -> None:
    for name in ("/a", "/scan"):
        origin.scripts[name] = FilmOrigin(16 * MIB, 1 << 16).serve
    async with ruled(plan, Eviction()) as edge:
        await watched(edge, "/a", 0, 2 * MIB)
        edge.worker.holdings.pin([(b"/a", 0, 16)]).result(10)
        await watched(edge, "/scan", 0, 16 * MIB)
    async with ruled(plan, Eviction()) as edge:
        holdings = edge.worker.holdings
        assert holdings.keeping.pinned() == {b"/a": [(0, 16)]}
        await watched(edge, "/scan", 0, 16 * MIB)
        await eventually(lambda: set(holdings.entries[b"/a"].present[:16]) == {HELD}, "kept")
        assert HELD not in holdings.entries[b"/a"].present[16:32]
        assert "hit" in (await watched(edge, "/a", 0, MIB)).fields["cache-status"]


async def test_a_scan_leaves_alone_what_is_within_its_share(plan: Plan, origin: Origin) -> None:
    for name in ("/posters/a", "/films/scan"):
        origin.scripts[name] = FilmOrigin(16 * MIB, 1 << 16).serve
    eviction = Eviction(shares=(Share("/posters/", 0.25),))
    async with ruled(plan, eviction) as edge:
        entries = edge.worker.holdings.entries
        await watched(edge, "/posters/a", 0, 2 * MIB)
        await watched(edge, "/films/scan", 0, 16 * MIB)
        await eventually(lambda: edge.worker.holdings.held_bytes == 16 * MIB, "the cache is full")
        held = set(entries[b"/posters/a"].present[:32])
        assert held == {HELD}
    async with ruled(plan, eviction) as edge:
        await watched(edge, "/films/scan", 0, 16 * MIB)
        kept = edge.worker.holdings.entries[b"/posters/a"].present[:32]
        assert set(kept) <= {HELD, UNVERIFIED}, "a start finds the kinds again"
        assert "hit" in (await watched(edge, "/posters/a", 0, MIB)).fields["cache-status"]
