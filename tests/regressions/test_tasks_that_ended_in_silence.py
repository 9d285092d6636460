"""A task of an edge, an origin or a router that failed was held and never looked at.

Nobody heard of it, and what it did was done no more: no book was reported, no garbage swept, no
journal read, until the process was started again. An edge that lost its journal so even went on
to trust what it held.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any, cast

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from cdnkit.service.health import Health
from cdnkit.service.lasting import end_tasks, start_lasting
from config.keeping import Costs, PackagingSettings
from config.locating import Geo
from config.topology import Address, EdgeNode, OriginNode, Route, Topology
from edge.app import worker
from edge.cache.loading import Loading
from edge.followed_file import FollowedFile
from edge.refreshing import Refreshing
from geo_router.app import build_router
from geo_router.front import serve_redirects
from geo_router.observers import Observers
from origin.app import LIBRARY
from origin.domains.app import FilmService
from origin.front import serve_content
from tests.edge.box.conftest import boxed_workers
from tests.edge.conftest import Edge, Plan, eventually
from tests.edge.conftest import origin as origin
from tests.edge.conftest import plan as plan
from tests.edge.journal import Journal
from tests.geo_router.worlds import edge as edge_node
from tests.geo_router.worlds import router_node, topology_of
from tests.origin.conftest import StartOrigin
from tests.origin.conftest import start_origin as start_origin


class Planted:
    """Has a function, named by its path, fail once, and counts calls from there on.

    `before` are calls that come before the task.
    """

    def __init__(self, patch: pytest.MonkeyPatch, path: str, before: int = 0) -> None:
        self.calls = -before
        place, _, name = path.rpartition(".")
        owner = _found(place)
        original = getattr(owner, name)

        def call(*args: Any, **more: Any) -> Any:
            self.calls += 1
            if self.calls == 1:
                raise ZeroDivisionError("planted")
            return original(*args, **more)

        patch.setattr(owner, name, call)

    async def was_done_again(self) -> None:
        await eventually(lambda: self.calls > 1, "it is done again")


def _found(place: str) -> Any:
    try:
        return import_module(place)
    except ModuleNotFoundError:
        above, _, name = place.rpartition(".")
        return getattr(_found(above), name)


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What was logged; tasks begin anew at once, and what they wait for comes soon."""
    for name in (
        "cdnkit.service.lasting.FIRST_PAUSE_SECONDS",
        "cdnkit.service.certificates.LOOK_SECONDS",
        "edge.app.TICK_SECONDS",
        "origin.orders.followers.BEAT_SECONDS",
        "origin.front.TICK_SECONDS",
        "geo_router.app.TICK_SECONDS",
        "geo_router.front.TICK_SECONDS",
    ):
        monkeypatch.setattr(name, 0.01)
    with capture_logs() as logs:
        yield logs
    assert any(line.get("exc_info") for line in logs), "nobody heard of it"


def following(plan: Plan) -> Plan:
    """An edge that follows the journal of its origin, and brings it its books."""
    plan.origins = (OriginNode("o", Address("127.0.0.1", 1), "/nowhere", url=plan.origin.url),)
    plan.routes = (Route("/"),)
    return plan


@pytest.mark.parametrize(
    "path",
    [
        "edge.load.LoadMeter.take",
        "edge.bookkeeping.Bookkeeping.report",
        "edge.scrubbing.Scrubbing.go_round",
        "edge.following.Following._take_up",
    ],
)
async def test_an_edge_does_it_again(
    path: str, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal(plan.origin)
    planted, topology = Planted(monkeypatch, path), following(plan).topology()
    soon = dataclasses.replace(topology, costs=Costs(report_seconds=0.01))
    async with worker(plan.node(), soon):
        await planted.was_done_again()


async def test_an_edge_trusts_nothing_until_it_reads_the_journal_again(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(plan.origin)
    monkeypatch.setattr("cdnkit.service.lasting.FIRST_PAUSE_SECONDS", 3600.0)
    async with following(plan).start() as edge:
        await eventually(lambda: bool(journal.asked_after), "it reads the journal")
        planted = Planted(monkeypatch, "edge.feed.Feed._apply")
        journal.add("films/a.mp4")
        await eventually(lambda: bool(planted.calls), "it meets what it cannot take in")
        await eventually(lambda: not edge.worker.holdings.trust.is_heard, "it doubts what it holds")


async def test_an_edge_reads_the_journal_again(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(plan.origin)
    async with following(plan).start() as edge:
        await eventually(lambda: bool(journal.asked_after), "it reads the journal")
        planted = Planted(monkeypatch, "edge.feed.Feed._apply")
        journal.add("films/a.mp4")
        await planted.was_done_again()
        await eventually(lambda: edge.worker.holdings.trust.is_heard, "it believes it again")


async def test_an_edge_whose_authorities_are_being_replaced_tells_receipts_later(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal(plan.origin)
    planted = Planted(monkeypatch, "edge.receipts.Identity.session")
    async with following(plan).start():
        await eventually(lambda: planted.calls > 2, "journal and receipts have their sessions")


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """An entry that was purged softly."""

    key: bytes
    head: str = "head"


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """Holdings with such entries."""

    entries: dict[bytes, Waiting]


async def test_entries_that_wait_to_be_asked_for_outlive_one_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []

    def refresh(entry: object, target: bytes, request: object) -> None:
        asked.append(entry)
        if len(asked) == 1:
            raise ZeroDivisionError("planted")

    monkeypatch.setattr("edge.refreshing.question_of", lambda entry: (entry.key, None))
    held = Held({name: Waiting(name) for name in (b"/a", b"/b")})
    refreshing = Refreshing(cast(Any, held), refresh)
    refreshing.add(cast(Any, held.entries.values()), 1000.0)
    task = start_lasting("refreshing", refreshing.run)
    await eventually(lambda: len(asked) > 1, "the other is asked for")
    await end_tasks(task)


def follows_one(edge: Edge) -> bool:
    return edge.worker.box is not None and len(edge.worker.box.neighbours.followed) == 1


async def test_workers_of_a_box_find_each_other_after_a_failure(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Planted(monkeypatch, "edge.box.sockets.Sockets.talk_path", before=2)
    async with boxed_workers(plan, 2) as boxed:
        await planted.was_done_again()
        for each in boxed.workers:
            await eventually(partial(follows_one, each), "it follows the other")


async def test_an_edge_that_cannot_know_what_it_holds_ends(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Loading, disk: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Loading, "_read_disk", fail)
    async with worker(plan.node(), plan.topology()) as running:
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(20):
                await running.holdings.loading.ended


class File:
    """A file of a topology that can be looked at again after a failure."""

    known, digest = 1, "d"

    def __init__(self) -> None:
        self.looks = 0

    def stamp(self) -> int:
        self.looks += 1
        if self.looks == 1:
            raise ZeroDivisionError("planted")
        return 1


async def test_the_file_of_a_topology_is_looked_at_again(plan: Plan) -> None:
    file = File()
    followed = FollowedFile(plan.node(), 0, cast(Any, file), 0.01)

    async def adopt(node: EdgeNode, topology: Topology) -> None:
        pass

    async with followed.watched(adopt, Health()):
        await eventually(lambda: file.looks > 1, "it is looked at again")


@pytest.mark.parametrize(
    "path",
    [
        "origin.sweeper.Sweeper.sweep",
        "origin.catalog.catalog.Catalog.catch_up",
        "origin.packaging.line.Line.take_one",
        "origin.packaging.automatic.Automatic.look_through",
        "origin.orders.followers.Followers.beat",
        "origin.costs.handlers.CostHandlers.clean",
        "origin.resumable.intake.Intake.expire",
        "origin.store.upkeep.Upkeep._notice",
    ],
)
async def test_an_origin_does_it_again(
    path: str, start_origin: StartOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Planted(monkeypatch, path)
    async with start_origin(packaging=PackagingSettings(automatic=True)):
        await planted.was_done_again()


async def test_the_lane_of_an_origin_keeps_its_limits(
    start_origin: StartOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Planted(monkeypatch, "origin.lane.server.LaneServer.tick", before=1)
    async with start_origin() as running:
        app = web.Application()
        for key in running.app:
            app[key] = running.app[key]
        serving = serve_content(app, running.app[LIBRARY], "127.0.0.1", 0, now=running.clock)
        async with serving:
            await planted.was_done_again()


class Counting:
    """A domain that fails when it begins to work, the first time."""

    def __init__(self) -> None:
        self.lives = 0

    def routes(self) -> list[web.RouteDef]:
        return []

    async def run(self) -> None:
        self.lives += 1
        if self.lives == 1:
            raise ZeroDivisionError("planted")
        await asyncio.Event().wait()


async def test_a_domain_of_the_film_service_works_again() -> None:
    domain, app = Counting(), web.Application()
    FilmService([domain]).mount(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await eventually(lambda: domain.lives > 1, "it works again")
    await runner.cleanup()


@pytest.mark.parametrize(
    "path",
    [
        "geo_router.families.Families.tick",
        "geo_router.lane.LaneShared.tick",
        "geo_router.overview.overview.Overview.tick",
    ],
)
async def test_a_router_does_it_again(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    topology = topology_of([edge_node("fra-0", "fra", 1)], Geo("fra"))
    router = build_router(router_node(), topology, chance=lambda: 0.0)
    planted = Planted(monkeypatch, path, before=path.count("LaneShared"))
    async with router.running(), serve_redirects(router.application, router.desk, "127.0.0.1", 0):
        await planted.was_done_again()


async def test_a_router_hears_the_others_again(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = Planted(monkeypatch, "geo_router.observers.Observers._fetch")
    nothing: dict[int, Any] = {}
    observers = Observers(
        {"other": "http://127.0.0.1:1"},
        nothing,
        now=lambda: 0.0,
        is_in_doubt=lambda: True,
        on_heard=lambda: None,
    )
    async with observers:
        await planted.was_done_again()
