"""Routers that hear each other, over the wire and on a simulated clock."""

from __future__ import annotations

import asyncio
import random

import pytest
from aiohttp import web

from geo_router.agreement import Council, Opinion, View
from geo_router.fleet import SERVING, Fleet, Limits, Observation, State
from geo_router.observers import Observers, hear, observations_body
from geo_router.probe import DOUBTFUL_LOOKS
from tests.geo_router.worlds import FAILED, READY, TIMED_OUT
from tests.helpers.clock import FakeClock

EDGES = ["a", "b", "c", "d", "e"]


def state_of(fleet: Fleet, edge: str = "a") -> State:
    return fleet[edge].state


class World:
    """Routers and edges on one simulated clock, in steps of a tenth of a second."""

    def __init__(self, routers: int, loss: float, seed: int, agree: int = 2) -> None:
        self.chance = random.Random(seed)
        self.loss = loss
        self.now = 0.0
        self.dead: dict[str, Observation] = {}
        limits = Limits(2, 3, agree, 3.0)
        self.councils = [Council() for _ in range(routers)]
        self.fleets = [Fleet(EDGES, limits, 0.0, council.opinion) for council in self.councils]
        for fleet in self.fleets:
            for edge in EDGES:
                fleet.observe(edge, READY, 0.0)
        self.due = {
            (router, edge): self.chance.random() for router in range(routers) for edge in EDGES
        }
        self.pull_due = [self.chance.random() for _ in range(routers)]
        self.answers: list[tuple[float, int, str, Observation]] = []

    def step(self) -> None:
        self.now = round(self.now + 0.1, 6)
        for (router, edge), due in list(self.due.items()):
            if due <= self.now:
                self._look(router, edge)
        for answer in [answer for answer in self.answers if answer[0] <= self.now]:
            self.answers.remove(answer)
            _, router, edge, seen = answer
            fleet = self.fleets[router]
            fleet.observe(edge, seen, self.now)
            pause = 0.5 if fleet[edge].state is State.SUSPECT else 1.0
            self.due[router, edge] = max(self.due[router, edge] + pause, self.now)
        for router, fleet in enumerate(self.fleets):
            if self.pull_due[router] <= self.now:
                self._pull(router)
                self.pull_due[router] = self.now + (0.2 if fleet.is_in_doubt else 1.0)
            elif fleet.is_in_doubt:
                self.pull_due[router] = min(self.pull_due[router], self.now + 0.2)

    def _look(self, router: int, edge: str) -> None:
        if any(answer[1:3] == (router, edge) for answer in self.answers):
            return
        doubtful = self.fleets[router][edge].state is State.SUSPECT
        connections = DOUBTFUL_LOOKS if doubtful else 1
        lost = all(self.chance.random() < self.loss for _ in range(connections))
        seen = self.dead.get(edge, TIMED_OUT if lost else READY)
        takes = 0.8 if seen is TIMED_OUT else 0.0
        self.answers.append((self.now + takes, router, edge, seen))

    def _pull(self, router: int) -> None:
        for other, fleet in enumerate(self.fleets):
            if other != router:
                view = View(frozenset(fleet.failing), frozenset(fleet.unpolled))
                self.councils[router].hear(str(other), view, self.now)
        self.fleets[router].reconsider(self.now)

    def served(self) -> list[list[bool]]:
        return [[fleet[edge].state in SERVING for edge in EDGES] for fleet in self.fleets]


@pytest.mark.parametrize("seed", range(3))
def test_five_percent_of_lost_probes_for_ten_minutes_change_nothing(seed: int) -> None:
    world = World(routers=3, loss=0.05, seed=seed)
    for _ in range(6000):
        world.step()
        assert all(all(served) for served in world.served()), world.now


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("death", [FAILED, TIMED_OUT])
@pytest.mark.parametrize("routers", [1, 2, 3])
def test_a_dead_edge_is_out_of_every_router_in_three_seconds(
    seed: int, death: Observation, routers: int
) -> None:
    world = World(routers, loss=0.0, seed=seed)
    while world.now < 10.0 + seed / 5:
        world.step()
    world.dead["b"] = death
    died = world.now
    while any(served[1] for served in world.served()):
        world.step()
        assert world.now - died < 3.0 + 0.15  # the grain of this clock
    assert all(served == [True, False, True, True, True] for served in world.served())


def test_a_router_that_alone_cannot_reach_an_edge_goes_on_naming_it() -> None:
    councils = Council()
    fleet = Fleet(["a"], Limits(2, 3, 2), 0.0, councils.opinion)
    fleet.observe("a", READY, 0.0)
    for router in ("r2", "r3"):
        councils.hear(router, View((), ()), 5.0)
    for moment in (5.0, 5.5, 6.0, 6.5):
        fleet.observe("a", FAILED, moment)
    assert state_of(fleet) is State.SUSPECT
    assert fleet["a"].reason == "cannot connect; 2 other routers reach it"
    assert fleet.is_in_doubt
    councils.hear("r2", View({"a"}, ()), 7.0)
    assert fleet.reconsider(7.0) == ["a"]
    assert state_of(fleet) is State.DOWN


def test_an_edge_that_two_others_cannot_reach_is_left_though_we_reach_it() -> None:
    council = Council()
    fleet = Fleet(["a"], Limits(2, 3, 2), 0.0, council.opinion)
    fleet.observe("a", READY, 0.0)
    for router in ("r2", "r3"):
        council.hear(router, View({"a"}, ()), 1.0)
    fleet.observe("a", READY, 1.5)
    assert fleet["a"].state is State.DOWN
    assert fleet["a"].reason == "2 of 2 other routers cannot reach it"


async def test_views_are_pulled_over_http_and_kept_by_family() -> None:
    fleets = {family: Fleet(["a", "b"], Limits(1, 1), 0.0) for family in (4, 6)}
    fleets[4].observe("a", READY, 0.0)
    fleets[6].observe("a", FAILED, 0.0)

    async def tell(request: web.Request) -> web.Response:
        return web.json_response(observations_body("r2", fleets, 1.0))

    app = web.Application()
    app.router.add_get("/v1/observations", tell)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site.port
    councils = {4: Council(), 6: Council()}
    heard = asyncio.Event()
    clock = FakeClock(5.0)
    async with Observers(
        {"r2": f"http://127.0.0.1:{port}", "r3": "http://127.0.0.1:9"},
        councils,
        now=clock,
        is_in_doubt=lambda: False,
        on_heard=heard.set,
    ):
        async with asyncio.timeout(5):
            await heard.wait()
    await runner.cleanup()
    assert councils[4].opinion("a", 5.0) == Opinion(1, 0)
    assert councils[6].opinion("a", 5.0) == Opinion(1, 1)
    assert councils[4].opinion("b", 5.0) == Opinion(0, 0)
    assert set(councils[4].heard(5.0)) == {"r2"}


@pytest.mark.parametrize("body", [None, [], {"families": 1}, {"families": {"ipv4": []}}])
def test_an_answer_that_says_nothing_is_not_heard(body: object) -> None:
    councils = {4: Council(), 6: Council()}
    assert not hear(councils, "r2", body, 1.0)
    assert councils[4].heard(1.0) == {}
