"""A simulated edge is to a router what a real one is: it answers, dies, drains and counts."""

from __future__ import annotations

import asyncio
import time
from random import Random

import aiohttp
from yarl import URL

from geo_router.fleet import Observation, Result
from geo_router.overview.figures import gain, read_figures
from geo_router.probe import look
from scripts.simulated_fleet.edges import SimulatedEdge, SimulatedFleet
from tests.helpers.clock import FakeClock


async def seen(fleet: SimulatedFleet, name: str) -> Observation:
    url = URL(f"http://127.0.0.1:{fleet.ports[name]}/readyz")
    async with aiohttp.ClientSession() as session:
        return await look(session, url, time.monotonic)


async def test_it_is_ready_dies_comes_back_and_drains() -> None:
    fleet = SimulatedFleet(["a", "b"], Random(1), time.time)
    await fleet.start()
    assert (await seen(fleet, "a")).result is Result.ANSWERED
    fleet.kill("a")
    assert not fleet.is_alive("a")
    assert (await seen(fleet, "a")).result is Result.FAILED
    assert (await seen(fleet, "b")).result is Result.ANSWERED
    await fleet.revive("a")
    assert (await seen(fleet, "a")).result is Result.ANSWERED
    fleet.edges["a"].mood = "draining"
    assert (await seen(fleet, "a")).result is Result.DRAINING
    fleet.edges["a"].mood = "overloaded"
    assert ((await seen(fleet, "a")).load or 0) > 1
    await fleet.close()


def test_it_sends_what_it_says_and_most_of_it_was_at_hand() -> None:
    clock = FakeClock()
    edge = SimulatedEdge("a", Random(1), clock)
    before = read_figures(edge.facts())
    clock.advance(1)
    after = read_figures(edge.facts())
    grown = gain(before, after)
    sent = sum(grown.sent.values())
    assert after.egress_bits_per_second is not None
    assert 0.9 < sent * 8 / after.egress_bits_per_second < 1.1
    assert grown.sent["hit"] / sent > 0.9
    assert 0 < grown.from_origin < grown.filled


async def test_trouble_comes_and_goes_without_end() -> None:
    fleet = SimulatedFleet(["a"], Random(1), time.time)
    await fleet.start()
    trouble = asyncio.create_task(fleet.trouble(Random(2), 60_000))
    async with asyncio.timeout(20):
        while (await seen(fleet, "a")).result is Result.ANSWERED:
            pass
    assert not trouble.done()
    trouble.cancel()
    await asyncio.gather(trouble, return_exceptions=True)
    await fleet.close()
