"""One extent at a time: what is bad goes aside, what is missing is made, what is too much goes."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cdnkit.errors import UnavailableError
from config.topology import Volume
from origin.store.base import StoredObject
from origin.store.disk import DiskStore
from origin.store.extents import extent_name
from origin.store.mending import Finding, Job, Mender
from origin.store.sums import PIECE_BYTES
from origin.store.volumes import VolumeSet
from tests.origin.store.stores import NOW, copies_of, disk_store, get, make_volumes, put

DATA = bytes(range(250)) * 14


class Bench:
    """A store of four volumes with two copies, and a mender over the same directories."""

    def __init__(self, store: DiskStore, root: Path) -> None:
        self.store = store
        self.root = root
        self.forgotten: list[tuple[str, int, int]] = []
        self.writing: set[tuple[str, int]] = set()
        self.spent: list[int] = []

    def mender(self, volumes: list[Volume] | None = None, copies: int = 2) -> Mender:
        opened = VolumeSet(
            volumes or make_volumes(self.root, 4), self.root / "mender.json", lambda: NOW
        )
        opened.open()
        self.volumes = opened
        return Mender(
            opened,
            copies,
            is_writing=lambda *identity: identity in self.writing,
            forget=self.forgotten.append,
        )

    def mend(self, stored: StoredObject, index: int, job: Job, **how: object) -> Finding:
        name = extent_name(stored.object_id, stored.generation, index)
        return self.mender(**how).mend(name, job, self.spent.append)  # type: ignore[arg-type]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened_bench(tmp_path) as made:
        yield made


@asynccontextmanager
async def opened_bench(root: Path) -> AsyncIterator[Bench]:
    async with disk_store(root, 4, 2) as store:
        yield Bench(store, root)


def flip_a_bit(path: Path, at: int = 500) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


async def test_flipped_bit_is_found_by_a_scrub_and_the_copy_made_anew(bench: Bench) -> None:
    stored = (await put(bench.store, DATA)).stored
    bad, good = copies_of(bench.root, stored, 1)
    whole = good.read_bytes()
    flip_a_bit(bad)
    finding = bench.mend(stored, 1, Job.SCRUB)
    assert (finding.extents, finding.bad, finding.repaired, finding.short) == (1, 1, 1, 0)
    assert [copy.read_bytes() for copy in copies_of(bench.root, stored, 1)] == [whole, whole]
    assert bench.forgotten == [("a", 1, 1)]
    assert len(list(bench.root.glob("*/damaged/*"))) == 1
    assert finding.read_bytes == sum(bench.spent) > 0


@pytest.mark.parametrize("at", [1000, 1001, -1, -3, -20])
async def test_footer_that_lies_is_a_bad_copy(bench: Bench, at: int) -> None:
    stored = (await put(bench.store, DATA)).stored
    flip_a_bit(copies_of(bench.root, stored, 1)[0], at)
    assert bench.mend(stored, 1, Job.SCRUB).bad == 1
    assert len(copies_of(bench.root, stored, 1)) == 2


async def test_copy_under_a_wrong_name_is_a_bad_copy(bench: Bench) -> None:
    stored = (await put(bench.store, DATA)).stored
    mine, _ = copies_of(bench.root, stored, 1)
    shutil.copy(copies_of(bench.root, stored, 2)[0], mine)
    assert bench.mend(stored, 1, Job.REPAIR).bad == 1
    assert await get(bench.store, stored, 0, len(DATA)) == DATA


async def test_missing_copy_is_made_by_a_repair_which_reads_no_others(bench: Bench) -> None:
    stored = (await put(bench.store, DATA)).stored
    gone, _ = copies_of(bench.root, stored, 2)
    gone.unlink()
    assert bench.mend(stored, 2, Job.REPAIR).repaired == 1
    assert len(copies_of(bench.root, stored, 2)) == 2
    again = bench.mend(stored, 2, Job.REPAIR)
    assert again == Finding(extents=1)


async def test_bad_source_is_never_copied(bench: Bench) -> None:
    stored = (await put(bench.store, DATA)).stored
    gone, bad = copies_of(bench.root, stored, 2)
    gone.unlink()
    flip_a_bit(bad)
    finding = bench.mend(stored, 2, Job.REPAIR)
    assert (finding.bad, finding.repaired, finding.short) == (1, 0, 1)
    assert copies_of(bench.root, stored, 2) == [bad]
    assert bench.volumes.take_doubted() == {extent_name("a", 1, 2)}


async def test_extent_without_a_good_copy_is_lost_and_stays_where_it_is(bench: Bench) -> None:
    """Its other mebibytes are still good for readers."""
    stored = (await put(bench.store, DATA)).stored
    copies = copies_of(bench.root, stored, 1)
    for copy in copies:
        flip_a_bit(copy)
    assert bench.mend(stored, 1, Job.SCRUB).lost == 1
    assert copies_of(bench.root, stored, 1) == copies
    assert list(bench.root.glob("*/.partial/*")) == []


async def test_copies_that_are_bad_in_different_pieces_make_a_good_one(tmp_path: Path) -> None:
    data = bytes(range(256)) * (3 * PIECE_BYTES // 256)
    async with disk_store(tmp_path, 4, 2, extent_bytes=len(data)) as store:
        bench = Bench(store, tmp_path)
        stored = (await put(store, data)).stored
        for piece, copy in enumerate(copies_of(tmp_path, stored, 0)):
            flip_a_bit(copy, piece * PIECE_BYTES)
        used = sum(state.used_bytes for state in store.volume_states())
        finding = bench.mend(stored, 0, Job.SCRUB)
        assert (finding.bad, finding.repaired, finding.lost, finding.short) == (2, 2, 0, 0)
        assert await get(store, stored, 0, len(data)) == data
        assert sum(state.used_bytes for state in bench.volumes.states()) == used
        assert bench.mend(stored, 0, Job.SCRUB).bad == 0


async def test_what_is_being_written_or_was_never_committed_is_left_alone(bench: Bench) -> None:
    stored = (await put(bench.store, DATA)).stored
    copies_of(bench.root, stored, 1)[0].unlink()
    bench.writing.add(("a", 1))
    assert bench.mend(stored, 1, Job.REPAIR).repaired == 0
    bench.writing.clear()
    for copy in copies_of(bench.root, stored, 0):
        copy.unlink()
    mender = bench.mender()
    name = extent_name("a", 1, 1)
    assert mender.mend(name, Job.REPAIR, bench.spent.append) == Finding()


async def test_drained_volume_gives_its_copies_away(bench: Bench) -> None:
    stored = (await put(bench.store, DATA)).stored
    volumes = make_volumes(bench.root, 4)
    holder = copies_of(bench.root, stored, 1)[0].parents[2].name
    drained = [replace(each, weight=0.0) if each.name == holder else each for each in volumes]
    finding = bench.mend(stored, 1, Job.REBALANCE, volumes=drained)
    assert (finding.moved, finding.repaired) == (1, 0)
    holders = {copy.parents[2].name for copy in copies_of(bench.root, stored, 1)}
    assert len(holders) == 2
    assert holder not in holders
    assert await get(bench.store, stored, 0, len(DATA)) == DATA


async def test_without_room_a_copy_is_not_made_and_nothing_is_removed(bench: Bench) -> None:
    stored = (await put(bench.store, DATA)).stored
    before = copies_of(bench.root, stored, 1)
    full = [replace(each, size_bytes=1, weight=1.0) for each in make_volumes(bench.root, 4)]
    finding = bench.mend(stored, 1, Job.REBALANCE, volumes=full, copies=3)
    assert (finding.repaired, finding.short) == (0, 1)
    assert copies_of(bench.root, stored, 1) == before
    assert list(bench.root.glob("*/.partial/*")) == []


async def test_object_deleted_while_it_is_copied_does_not_come_back(bench: Bench) -> None:
    stored = (await put(bench.store, DATA)).stored
    copies_of(bench.root, stored, 1)[0].unlink()
    mender = bench.mender()

    def delete_meanwhile(size_bytes: int) -> None:
        for index in range(4):
            bench.volumes.unlink(extent_name("a", 1, index))

    finding = mender.mend(extent_name("a", 1, 1), Job.REPAIR, delete_meanwhile)
    assert finding.repaired == 0
    assert list(bench.root.glob("*/extents/*/*")) == []
    assert list(bench.root.glob("*/.partial/*")) == []


async def test_what_cannot_be_looked_at_is_not_missing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = (await put(bench.store, DATA)).stored
    before = copies_of(bench.root, stored, 1)
    mender, real = bench.mender(), os.open

    def refuse(path: str, flags: int, mode: int = 0o777) -> int:
        if path == str(before[0]):
            raise OSError(errno.EMFILE, "Too many open files")
        return real(path, flags, mode)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(UnavailableError):
            mender.mend(extent_name("a", 1, 1), Job.REPAIR, bench.spent.append)
    assert copies_of(bench.root, stored, 1) == before
    assert bench.volumes.healthy_count() == 4
