"""An edge serves what it holds while it still finds it, and no change is undone by what is found.

Shelves are read when the test says so (`slow_disks`), so every moment of a start can be looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdnkit.fields import FieldLines
from cdnkit.wire import MissClass
from edge.app import worker
from edge.cache.disk import Disk, FoundObject
from edge.cache.holdings import Holdings
from edge.cache.loading import Loading
from edge.cache.records import record_of
from edge.cache.shelves import shelf_of
from edge.entry import HELD, UNVERIFIED, Entry, name_of
from edge.purging import parse_purge, purge
from tests.edge.cache.slow_disks import Gates, gates
from tests.edge.conftest import BLOCK, Edge, Origin, Plan, eventually
from tests.edge.made import an_entry
from tests.edge.rest import all_at_rest, assert_disk_equals_index
from tests.helpers.film_origin import FilmOrigin, film_bytes

__all__ = ["gates"]
FILM, OTHER = "/films/a.mp4", "/films/b.mp4"
SIZE = 5 * BLOCK + 99
EVERYTHING: dict[str, Any] = {
    "keys": [],
    "prefixes": [],
    "tags": [],
    "all": False,
    "soft": False,
    "refresh_per_second": 0.0,
}


@pytest.fixture
def films(origin: Origin) -> dict[str, FilmOrigin]:
    made = {target: FilmOrigin(SIZE, BLOCK) for target in (FILM, OTHER)}
    for target, film in made.items():
        origin.scripts[target] = film.serve
    return made


async def watch(edge: Edge, target: str = FILM, version: int = 1) -> str:
    answer = await (await edge.client()).ask(target)
    assert answer.body == film_bytes(version, 0, SIZE)
    return answer.fields["cache-status"]


@contextlib.asynccontextmanager
async def loading_edge(plan: Plan) -> AsyncIterator[Edge]:
    """The edge of `plan`, of whose disks nothing is read yet."""
    async with worker(plan.node(), plan.topology()) as running:
        edge = Edge(running, plan.origin)
        try:
            yield edge
        finally:
            for client in edge.clients:
                client.close()


async def hold(plan: Plan, gates: Gates) -> None:
    """Hold both films and stop cleanly; the gates of the next start are closed."""
    gates.open()
    async with plan.start() as edge:
        for target in (FILM, OTHER):
            await watch(edge, target)
        await all_at_rest(edge)
    gates.read.clear()
    gates._all_open = False


async def loaded(edge: Edge, gates: Gates) -> None:
    gates.open()
    assert await edge.worker.holdings.loading.finished()


async def test_what_is_held_is_a_hit_before_its_shelf_is_read(
    plan: Plan, films: dict[str, FilmOrigin], gates: Gates
) -> None:
    await hold(plan, gates)
    async with loading_edge(plan) as edge:
        assert await asyncio.gather(*(watch(edge) for _ in range(10)))
        assert "; hit" in await watch(edge)
        holdings = edge.worker.holdings
        assert (holdings.held_blocks, gates.read) == (6, [])
        await loaded(edge, gates)
        assert (holdings.held_blocks, holdings.held_bytes) == (12, 2 * SIZE)
        assert "; hit" in await watch(edge, OTHER)
        await all_at_rest(edge)
    assert_disk_equals_index(plan.cache, edge)
    assert [film.requests for film in films.values()] == [[""], [""]]


async def test_readiness_says_how_much_is_found(
    plan: Plan, films: dict[str, FilmOrigin], gates: Gates
) -> None:
    await hold(plan, gates)

    async def said(edge: Edge) -> tuple[int, str, float | None]:
        answer = await (await edge.client()).ask("/readyz")
        body = json.loads(answer.body)
        return answer.status, body["status"], body.get("loaded")

    async with loading_edge(plan) as edge:
        assert await said(edge) == (200, "loading", 0.0)
        await loaded(edge, gates)
        assert await said(edge) == (200, "ready", None)


async def test_who_asks_for_what_is_not_held_waits_for_its_shelf_alone(
    plan: Plan, films: dict[str, FilmOrigin], gates: Gates
) -> None:
    await hold(plan, gates)
    shelves = sorted(shelf_of(name_of(target.encode())) for target in (FILM, OTHER))
    last = max((FILM, OTHER), key=lambda target: shelf_of(name_of(target.encode())))
    beside = next(
        name
        for name in (f"/new-{number}" for number in range(10_000))
        if shelf_of(name_of(name.encode())) == shelves[1]
    )
    plan.origin.put(beside, b"new")
    async with loading_edge(plan) as edge:
        client = await edge.client()
        asking = asyncio.ensure_future(client.ask(beside))
        wanted = edge.worker.holdings.loading._wanted
        await eventually(lambda: shelves[1] in wanted, "it waits")
        assert plan.origin.targets().count(f"GET {beside}") == 0
        gates.open(last)
        if shelves[0] not in gates.read:
            # The first shelf was on its way before anybody waited for another.
            gates.open()
        assert (await asking).body == b"new"


async def test_variants_are_found_before_anything_is_asked(
    plan: Plan, origin: Origin, gates: Gates
) -> None:
    lines = ("Cache-Control: max-age=3600", "Vary: Accept-Language")
    origin.put("/talk", b"hello", lines=lines)
    gates.open()
    async with plan.start() as edge:
        await (await edge.client()).ask("/talk", "Accept-Language: en")
        await all_at_rest(edge)
    gates._all_open = False
    async with loading_edge(plan) as edge:
        client = await edge.client()
        asking = asyncio.ensure_future(client.ask("/talk", "Accept-Language: en"))
        await eventually(lambda: bool(edge.worker.holdings.loading._wanted), "it waits")
        gates.open()
        assert "; hit" in (await asking).fields["cache-status"]
    assert len(origin.asked) == 1


@pytest.mark.parametrize(
    "what", [{"keys": ["/films/a.mp4"]}, {"prefixes": ["/films/"]}, {"all": True}]
)
async def test_a_purge_while_loading_is_not_undone_by_what_is_found_later(
    plan: Plan, films: dict[str, FilmOrigin], gates: Gates, what: dict[str, Any]
) -> None:
    await hold(plan, gates)
    films[FILM].version = 2
    async with loading_edge(plan) as edge:
        holdings = edge.worker.holdings
        order = parse_purge({**EVERYTHING, **what}, lambda key: [])
        await purge(holdings, order, 0.0, lambda entry: pytest.fail("nothing is soft"))
        viewing = asyncio.ensure_future(watch(edge, version=2))
        recording = asyncio.ensure_future(holdings.recorded())
        await eventually(lambda: bool(holdings.loading._wanted), "the viewer waits")
        assert not recording.done()
        await loaded(edge, gates)
        assert "; hit" not in await viewing
        assert await recording
        await all_at_rest(edge)
    assert_disk_equals_index(plan.cache, edge)


async def test_a_changed_target_is_not_served_though_it_is_found_later(
    plan: Plan, films: dict[str, FilmOrigin], gates: Gates
) -> None:
    await hold(plan, gates)
    films[FILM].version = 2
    async with loading_edge(plan) as edge:
        holdings = edge.worker.holdings
        holdings.invalidate(FILM.encode())
        await loaded(edge, gates)
        assert FILM.encode() not in holdings.entries
        assert holdings.why_missing(FILM.encode()) is MissClass.PURGED
        await watch(edge, version=2)
        await all_at_rest(edge)
    assert_disk_equals_index(plan.cache, edge)


async def test_what_is_found_after_doubt_came_is_asked_for_before_it_is_served(
    plan: Plan, films: dict[str, FilmOrigin], gates: Gates
) -> None:
    await hold(plan, gates)
    async with loading_edge(plan) as edge:
        edge.worker.holdings.distrust()
        viewing = asyncio.ensure_future(watch(edge))
        await eventually(lambda: bool(edge.worker.holdings.loading._wanted), "the viewer waits")
        await loaded(edge, gates)
        assert "; hit" not in await viewing
        assert "; hit" in await watch(edge)


async def test_an_unsafe_request_changes_what_is_found_later(
    plan: Plan, films: dict[str, FilmOrigin], gates: Gates
) -> None:
    await hold(plan, gates)
    del plan.origin.scripts[FILM]
    plan.origin.put(FILM, b"new")
    async with loading_edge(plan) as edge:
        client = await edge.client()
        posting = asyncio.ensure_future(client.ask(FILM, "Content-Length: 0", method="POST"))
        await eventually(lambda: bool(edge.worker.holdings.loading._wanted), "the change waits")
        gates.open()
        assert (await posting).status == 200
        assert (await client.ask(FILM)).body == b"new"


async def test_a_stop_while_loading_loses_nothing_and_is_quick(
    plan: Plan, films: dict[str, FilmOrigin], gates: Gates
) -> None:
    await hold(plan, gates)
    async with loading_edge(plan) as edge:
        recording = asyncio.ensure_future(edge.worker.holdings.recorded())
        await edge.worker.holdings.loading.stop()
        assert not await recording
        gates.open()
    async with plan.start() as edge:
        assert edge.worker.holdings.held_blocks == 12
        entries = edge.worker.holdings.entries.values()
        assert all(set(entry.present) == {HELD} for entry in entries)


async def test_what_is_in_doubt_stays_so_over_a_clean_stop(
    plan: Plan, films: dict[str, FilmOrigin], gates: Gates
) -> None:
    await hold(plan, gates)
    gates.open()
    (plan.cache / "clean").unlink()
    async with plan.start() as edge:
        await watch(edge)
    async with plan.start() as edge:
        entries = edge.worker.holdings.entries
        assert set(entries[OTHER.encode()].present) == {UNVERIFIED}
        await watch(edge)
        await watch(edge, OTHER)
        await all_at_rest(edge)
    async with plan.start() as edge:
        entries = edge.worker.holdings.entries
        assert set(entries[OTHER.encode()].present) == {HELD}


async def test_a_lack_of_descriptors_while_loading_removes_nothing(
    plan: Plan, films: dict[str, FilmOrigin], gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hold(plan, gates)
    gates.open()
    monkeypatch.setattr("edge.cache.loading._RETRY_SECONDS", 0.0)
    listed, lacking = os.listdir, [True] * 3

    def lacks(path: str) -> list[str]:
        if len(os.path.basename(path)) == 32 and lacking:
            lacking.pop()
            raise OSError(errno.EMFILE, "Too many open files")
        return listed(path)

    monkeypatch.setattr(os, "listdir", lacks)
    async with plan.start() as edge:
        assert (edge.worker.holdings.held_blocks, lacking) == (12, [])


async def test_a_disk_that_cannot_be_read_ends_the_loading_and_who_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(tmp_path, 1 << 20)
    (tmp_path / f"{shelf_of(name_of(b'/a')):02x}").mkdir()

    def broken(disk: Disk, shelves: object) -> object:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Disk, "scan", broken)
    loading = Loading([disk], asyncio.get_running_loop(), lambda disk, found: None)
    await loading.prepare()
    waiting = asyncio.ensure_future(loading.reach(b"/a"))
    await eventually(lambda: bool(loading._wanted), "somebody waits")
    loading.start()
    with pytest.raises(OSError, match="Input"):
        await waiting
    with pytest.raises(OSError, match="Input"):
        await loading.ended
    assert not await loading.finished()
    disk.close()


KEYS = [b"/films/%d" % number for number in range(4)]


def made_cache(path: Path) -> None:
    disk = Disk(path, 1 << 30)
    disk.prepare()
    for number, key in enumerate(KEYS):
        pairs = [
            (b"etag", b'"%d"' % number),
            (b"cache-control", b"max-age=600"),
            (b"cache-tag", b"tag-%d" % (number % 2)),
        ]
        entry = an_entry(300, pairs, key=key)
        disk.write_entry(entry.object_id, record_of(entry))
        for block in range(3):
            disk.write_block(entry.object_id, entry.files_name, block, memoryview(bytes(100)))
    disk.close()


CHANGES: list[Callable[[Holdings], Any]] = [
    lambda holdings: holdings.invalidate(KEYS[0]),
    lambda holdings: holdings.invalidate(KEYS[1], '"1"'),
    lambda holdings: holdings.invalidate(KEYS[1], '"another"'),
    lambda holdings: holdings.distrust(),
    lambda holdings: purge(holdings, ordered(tags=["tag-0"]), 1200.0, _pass),
    lambda holdings: purge(holdings, ordered(prefixes=["/films/3"], soft=True), 1200.0, _pass),
    lambda holdings: purge(holdings, ordered(keys=["/films/2"], soft=True), 1300.0, _pass),
    lambda holdings: purge(holdings, ordered(all=True), 1200.0, _pass),
]


def ordered(**what: Any) -> Any:
    return parse_purge({**EVERYTHING, **what}, lambda key: [])


def _pass(entry: Entry) -> None:
    """Nobody asks for what was made stale."""


def doubted(holdings: Holdings, entry: Entry) -> bool:
    return holdings.trust.doubts(entry.mark, is_followed=True)


async def told_at(path: Path, changes: list[int], reached: list[int]) -> dict[bytes, Any]:
    """What is held in the end when entries become known between changes, `reached` says when."""
    holdings = Holdings([Disk(path, 1 << 30)], asyncio.get_running_loop())
    await holdings.open()
    for moment, change in enumerate(changes):
        for key, when in zip(KEYS, reached, strict=True):
            if when == moment:
                await holdings.loading.reach(key)
        done = CHANGES[change](holdings)
        if done is not None:
            await done
    holdings.loading.start()
    assert await holdings.recorded()
    known = {
        key: (entry.head.freshness, bytes(entry.present), doubted(holdings, entry))
        for key, entry in holdings.entries.items()
    }
    held = sum(map(len, (known[key][1] for key in known)))
    assert holdings.held_blocks == held
    await holdings.close()
    return known


@given(
    changes=st.lists(st.integers(0, len(CHANGES) - 1), max_size=5),
    reached=st.lists(st.integers(0, 6), min_size=len(KEYS), max_size=len(KEYS)),
)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_it_does_not_matter_when_an_entry_is_found(
    tmp_path: Path, changes: list[int], reached: list[int]
) -> None:
    ends = []
    for name, moments in (("early", [0] * len(KEYS)), ("late", reached)):
        path = tmp_path / name
        shutil.rmtree(path, ignore_errors=True)
        made_cache(path)
        ends.append(asyncio.run(told_at(path, changes, moments)))
    assert ends[0] == ends[1]


async def test_an_object_is_handed_over_once_however_it_is_reached(tmp_path: Path) -> None:
    made_cache(tmp_path)
    disk = Disk(tmp_path, 1 << 30)
    taken: list[str] = []

    def take(disk: Disk, found: FoundObject) -> None:
        taken.append(found.object_id)

    loading = Loading([disk], asyncio.get_running_loop(), take)
    await loading.prepare()
    assert loading.share == 0.0
    await asyncio.gather(*(loading.reach(key) for key in KEYS * 3))
    loading.start()
    await asyncio.gather(*(loading.reach(key) for key in (*KEYS, b"/none")))
    assert await loading.finished()
    assert sorted(taken) == sorted(map(name_of, KEYS))
    assert (loading.share, loading.is_over()) == (1.0, True)
    disk.close()


async def test_a_key_found_under_no_variant_is_what_a_plain_request_gets(tmp_path: Path) -> None:
    made_cache(tmp_path)
    holdings = Holdings([Disk(tmp_path, 1 << 30)], asyncio.get_running_loop())
    await holdings.open()
    assert holdings.find(KEYS[0], FieldLines([])) is None
    await holdings.loading.reach(KEYS[0])
    assert holdings.find(KEYS[0], FieldLines([])) is not None
    assert len(holdings.entries) == 1
    await holdings.close()
