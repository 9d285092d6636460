"""Background work on real files: found, repaired, moved, gone on with, and nobody reads a fault."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdnkit.errors import NotFoundError
from config.topology import Volume
from origin.store.base import StoredObject
from origin.store.disk import DiskStore, open_disk_store
from origin.store.extents import extent_count
from origin.store.mending import Finding, Job
from origin.store.upkeep import Progress, Upkeep, UpkeepSettings, layout_of, parse_job
from tests.helpers.clock import FakeClock
from tests.origin.store.stores import (
    EXTENT_BYTES,
    NOW,
    copies_of,
    disk_store,
    get,
    make_volumes,
    put,
)

DATA = bytes(range(250)) * 20


def opened(
    store: DiskStore,
    root: Path,
    *,
    layout: str = "same",
    clock: Callable[[], float] | None = None,
    bytes_per_second: int = 0,
    expected: tuple[StoredObject, ...] = (),
) -> Upkeep:
    work = UpkeepSettings(bytes_per_second, 1000.0, root / "upkeep.json", layout)
    return store.open_upkeep(work, clock or FakeClock(), lambda: expected)


async def do(upkeep: Upkeep, job: Job) -> Progress:
    """Run one job to its end."""
    upkeep.start(job)
    while upkeep.waiting:
        await upkeep.work()
    return upkeep.progress[job]


async def test_scrub_sees_everything_once_and_says_so(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 4, 2) as store:
        objects = [(await put(store, DATA, f"film-{n}")).stored for n in range(10)]
        progress = await do(opened(store, tmp_path, expected=tuple(objects)), Job.SCRUB)
        assert progress.extents == 50
        assert progress.read_bytes == 2 * 10 * len(DATA)
        assert (progress.bad, progress.lost, progress.fraction) == (0, 0, 1.0)


async def test_scrub_names_what_is_missing_altogether(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 4, 2) as store:
        stored = (await put(store, DATA)).stored
        for copy in copies_of(tmp_path, stored, 3):
            copy.unlink()
        progress = await do(opened(store, tmp_path, expected=(stored,)), Job.SCRUB)
        assert progress.lost == 1


def overwrite(path: Path, data: bytearray) -> None:
    """Change a file where it is, as a disk does, and not by renaming another over it."""
    with open(path, "r+b") as file:
        file.write(data)


async def test_once_found_a_flipped_bit_is_served_to_nobody(tmp_path: Path) -> None:
    """Not even from the descriptor that readers already had open."""
    async with disk_store(tmp_path, 4, 2) as store:
        stored = (await put(store, DATA)).stored
        assert await get(store, stored, 0, len(DATA)) == DATA
        for index in range(5):
            bad = copies_of(tmp_path, stored, index)[index % 2]
            data = bytearray(bad.read_bytes())
            data[17] ^= 1
            overwrite(bad, data)
        progress = await do(opened(store, tmp_path), Job.SCRUB)
        assert (progress.bad, progress.repaired) == (5, 5)
        assert await get(store, stored, 0, len(DATA)) == DATA
        assert all(len(copies_of(tmp_path, stored, index)) == 2 for index in range(5))


async def test_what_a_reader_found_wrong_is_made_right_without_a_scrub(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 4, 2) as store:
        stored = (await put(store, DATA)).stored
        slices = store.slices(stored, 2000, 2001)
        assert slices is not None
        first_read = Path(slices[0].path)
        overwrite(first_read, bytearray([DATA[2000] ^ 1]))
        upkeep = opened(store, tmp_path)
        assert await get(store, stored, 0, len(DATA)) == DATA
        upkeep._notice()
        assert upkeep.waiting == (Job.REPAIR,)
        await upkeep.work()
        progress = upkeep.progress[Job.REPAIR]
        assert (progress.bad, progress.repaired) == (1, 1)
        assert all(len(copies_of(tmp_path, stored, index)) == 2 for index in range(5))


@pytest.mark.parametrize("wipe", ["directory", "extents"])
async def test_volume_wiped_under_read_load_costs_no_read_and_no_byte(
    tmp_path: Path, wipe: str
) -> None:
    chance = random.Random(4)
    contents = {f"film-{n}": chance.randbytes(40_000 + n) for n in range(8)}
    async with disk_store(tmp_path, 4, 2, extent_bytes=4000, descriptors_max=8) as store:
        stored = {name: (await put(store, data, name)).stored for name, data in contents.items()}
        upkeep = opened(store, tmp_path)
        working = asyncio.create_task(upkeep.run())
        is_over = asyncio.Event()
        reads = [0]

        async def read(seed: int) -> None:
            own = random.Random(seed)
            while not is_over.is_set():
                name = own.choice(sorted(contents))
                start = own.randrange(40_000)
                stop = min(len(contents[name]), start + own.randrange(1, 9000))
                assert await get(store, stored[name], start, stop) == contents[name][start:stop]
                reads[0] += 1

        readers = [asyncio.create_task(read(seed)) for seed in range(6)]
        await until(lambda: reads[0] > 100)
        victim = tmp_path / "v1"
        await asyncio.to_thread(
            shutil.rmtree, victim if wipe == "directory" else victim / "extents"
        )
        before = reads[0]
        upkeep.start(Job.SCRUB)
        await until(lambda: not upkeep.waiting and reads[0] > before + 300)
        upkeep.start(Job.REPAIR)
        await until(lambda: not upkeep.waiting)
        is_over.set()
        await asyncio.gather(*readers)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        for name, each in stored.items():
            for index in range(extent_count(each)):
                assert len(copies_of(tmp_path, each, index)) == 2, (name, index)
            assert await get(store, each, 0, len(contents[name])) == contents[name]


async def test_an_emptied_volume_is_repaired_once_a_read_misses_a_copy(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 3, 2, descriptors_max=1) as store:
        stored = (await put(store, DATA)).stored
        upkeep = opened(store, tmp_path)
        working = asyncio.create_task(upkeep.run())
        victim = Path(store.slices(stored, 0, 1)[0].path).parents[2]  # type: ignore[index]
        shutil.rmtree(victim / "extents")
        (victim / "extents").mkdir()
        assert await get(store, stored, 0, len(DATA)) == DATA

        def is_whole() -> bool:
            return all(
                len(copies_of(tmp_path, stored, index)) == 2
                for index in range(extent_count(stored))
            )

        upkeep._wake.set()
        await until(is_whole)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert all(state.failure is None for state in store.volume_states())


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not claim():  # noqa: ASYNC110 (files tell nobody)
            await asyncio.sleep(0.005)


async def test_volume_that_returns_is_verified_and_forgets_what_was_deleted(
    tmp_path: Path,
) -> None:
    async with disk_store(tmp_path, 2, 2) as store:
        kept = (await put(store, DATA, "kept")).stored
        gone = (await put(store, DATA, "gone")).stored
        (tmp_path / "v1").rename(tmp_path / "away")
        for stored in (kept, gone):
            await get(store, stored, 0, len(DATA))
        await store.delete(gone)
        added = (await put(store, DATA, "added")).stored
        assert [state.failure is None for state in store.volume_states()] == [True, False]
        assert store.degraded_writes() == 5
        bad = next(path for path in (tmp_path / "away").glob("extents/*/*-1-2"))
        bad.write_bytes(bytes(bad.stat().st_size))
        shutil.rmtree(tmp_path / "v1", ignore_errors=True)
        (tmp_path / "away").rename(tmp_path / "v1")
        await store.readmit("v1")
        for index in range(5):
            assert copies_of(tmp_path, gone, index) == []
        upkeep = opened(store, tmp_path)
        progress = await do(upkeep, Job.REPAIR)
        assert progress.repaired >= 5
        for stored in (kept, added):
            assert await get(store, stored, 0, len(DATA)) == DATA
            assert all(len(copies_of(tmp_path, stored, index)) == 2 for index in range(5))


async def test_what_failing_volumes_must_forget_is_remembered_across_a_restart(
    tmp_path: Path,
) -> None:
    async with disk_store(tmp_path, 2, 2) as store:
        gone = (await put(store, DATA, "gone")).stored
        (tmp_path / "v1").rename(tmp_path / "away")
        await store.delete(gone)  # nobody has noticed before
    shutil.rmtree(tmp_path / "v1", ignore_errors=True)
    async with disk_store(tmp_path, 2, 2) as store:
        with pytest.raises(NotFoundError):
            await store.readmit("nowhere")
        shutil.rmtree(tmp_path / "v1", ignore_errors=True)
        (tmp_path / "away").rename(tmp_path / "v1")
        await store.readmit("v1")
        assert all(copies_of(tmp_path, gone, index) == [] for index in range(5))


@settings(max_examples=4, deadline=None)
@given(
    count=st.integers(2, 5),
    weight=st.sampled_from([0.5, 1.0, 2.0]),
    seed=st.integers(0, 1000),
)
def test_adding_a_volume_moves_its_share_and_no_more(count: int, weight: float, seed: int) -> None:
    """Every extent moved went to the new volume, about its share did, and all can be read."""

    async def scenario(root: Path) -> None:
        volumes = make_volumes(root, count)
        stored = await fill(volumes, root, objects=40, seed=seed)
        before = holders_of(root)
        added = replace(make_volumes(root, count + 1)[-1], weight=weight)
        store = await open_store([*volumes, added], root)
        progress = await do(opened(store, root, layout="new"), Job.REBALANCE)
        after = holders_of(root)
        moved = {name for name in before if before[name] != after[name]}
        assert all(after[name] == {added.name} for name in moved)
        assert len(moved) == progress.moved
        share = len(before) * weight / (count + weight)
        assert abs(len(moved) - share) <= 5 * share**0.5 + 3
        for each in stored:
            assert await get(store, each, 0, 5000) == bytes(5000)
        again = await do(opened(store, root, layout="newer"), Job.REBALANCE)
        assert (again.moved, again.repaired) == (0, 0)
        await store.close()

    with tempfile.TemporaryDirectory() as root:
        asyncio.run(scenario(Path(root)))


async def test_draining_a_volume_moves_its_extents_and_no_others(tmp_path: Path) -> None:
    volumes = make_volumes(tmp_path, 4)
    await fill(volumes, tmp_path, objects=40, seed=1)
    before = holders_of(tmp_path)
    drained = [replace(each, weight=0.0) if each.name == "v2" else each for each in volumes]
    store = await open_store(drained, tmp_path)
    progress = await do(opened(store, tmp_path, layout="new"), Job.REBALANCE)
    after = holders_of(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {
        name for name, holders in before.items() if holders == {"v2"}
    }
    assert progress.moved == sum(holders == {"v2"} for holders in before.values())
    assert not any("v2" in holders for holders in after.values())
    await store.close()


async def open_store(volumes: list[Volume], root: Path) -> DiskStore:
    return await open_disk_store(
        volumes, state_path=root / "state.json", clock=lambda: NOW, extent_bytes=EXTENT_BYTES
    )


async def fill(volumes: list[Volume], root: Path, *, objects: int, seed: int) -> list[StoredObject]:
    store = await open_store(volumes, root)
    stored = [(await put(store, bytes(5000), f"{seed}-{n}")).stored for n in range(objects)]
    await store.close()
    return stored


def holders_of(root: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in root.glob("*/extents/*/*"):
        found.setdefault(path.name, set()).add(path.parents[2].name)
    return found


async def test_job_goes_on_after_a_restart_where_it_was(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 2, 2) as store:
        for number in range(20):
            await put(store, DATA, f"film-{number}")
        first = opened(store, tmp_path)
        first.start(Job.SCRUB)
        stop_after(first, 30)
        await first.work()
        assert first.waiting == (Job.SCRUB,)
        assert 0 < first.progress[Job.SCRUB].fraction < 1
        second = opened(store, tmp_path)
        assert second.waiting == (Job.SCRUB,)
        while second.waiting:
            await second.work()
        assert second.progress[Job.SCRUB].extents == 100


def stop_after(upkeep: Upkeep, extents: int) -> None:
    """Interrupt as a shutdown does, once so many extents are done."""
    mend = upkeep._mender.mend

    def counted(*args: object) -> Finding:
        if upkeep.progress[Job.SCRUB].extents >= extents:
            upkeep._interrupt.set()
        return mend(*args)  # type: ignore[arg-type]

    upkeep._mender.mend = counted  # type: ignore[method-assign, assignment]


async def test_more_urgent_job_goes_first_and_the_other_goes_on(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 2, 2) as store:
        for number in range(20):
            await put(store, DATA, f"film-{number}")
        upkeep = opened(store, tmp_path)
        upkeep.start(Job.SCRUB)
        stop_after(upkeep, 30)
        await upkeep.work()
        upkeep.start(Job.REPAIR)
        assert upkeep.waiting == (Job.REPAIR, Job.SCRUB)
        del upkeep._mender.mend
        await upkeep.work()
        assert upkeep.progress[Job.REPAIR].finished_at
        assert not upkeep.progress[Job.SCRUB].finished_at
        await upkeep.work()
        assert upkeep.progress[Job.SCRUB].extents == 100


async def test_work_that_is_due_starts_by_itself(tmp_path: Path) -> None:
    clock = FakeClock()
    async with disk_store(tmp_path, 2, 2) as store:
        await put(store, DATA)
        upkeep = opened(store, tmp_path, clock=clock, bytes_per_second=10**9)
        upkeep._notice()
        assert not upkeep.waiting, "a new store has nothing to scrub"
        clock.advance(1000)
        upkeep._notice()
        assert upkeep.waiting == (Job.SCRUB,)
        while upkeep.waiting:
            await upkeep.work()
        upkeep._notice()
        assert not upkeep.waiting
        (tmp_path / "v1").rename(tmp_path / "away")
        await put(store, DATA, "b")
        upkeep._notice()
        assert upkeep.waiting == (Job.REPAIR,)
        while upkeep.waiting:
            await upkeep.work()
        changed = opened(store, tmp_path, clock=clock, layout="changed")
        changed._notice()
        assert Job.REBALANCE in changed.waiting


async def test_state_that_cannot_be_read_costs_a_repeated_job_only(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 1) as store:
        for text in ("", "[]", '{"jobs": {"paint": {}}}', '{"jobs": {}, "pending": 3}'):
            (tmp_path / "upkeep.json").write_text(text)
            assert opened(store, tmp_path).waiting == ()


def test_layout_changes_with_what_placement_depends_on() -> None:
    volume = Volume(name="a", path="/a")
    layouts = {
        layout_of([volume], 1),
        layout_of([volume], 2),
        layout_of([replace(volume, weight=2.0)], 1),
        layout_of([replace(volume, domain="shelf")], 1),
    }
    assert len(layouts) == 4
    assert layout_of([replace(volume, path="/b", size_bytes=5)], 1) in layouts


def test_unknown_job_is_named() -> None:
    assert parse_job("scrub") is Job.SCRUB
    with pytest.raises(NotFoundError, match="repair"):
        parse_job("paint")
