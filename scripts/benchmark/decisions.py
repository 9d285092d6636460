"""How long the router's choice takes without HTTP: 5,000 edges, 500 sites, places seen before."""

from __future__ import annotations

import random
import time
from typing import Final

from config.topology import Address, EdgeNode, Site
from geo_router.choose import Chooser
from geo_router.fleet import Fleet, Limits, Observation, Result
from geo_router.place import Place, Source
from scripts.benchmark.figures import Run

SITES: Final = 500
EDGES_A_SITE: Final = 10
PLACES: Final = 2000
PATHS: Final = 1000


def build_chooser(chance: random.Random) -> Chooser:
    """A fleet of the size a film service of the world may have, all of it up."""
    sites = [
        Site(f"site-{number}", chance.uniform(-60, 70), chance.uniform(-180, 180))
        for number in range(SITES)
    ]
    edges = [
        EdgeNode(f"{site.name}-{number}", site.name, Address("127.0.0.1", 9000 + number), ())
        for site in sites
        for number in range(EDGES_A_SITE)
    ]
    fleet = Fleet([edge.name for edge in edges], Limits(2, 3), 0.0)
    for edge in edges:
        fleet.observe(edge.name, Observation(Result.ANSWERED, "ready", 0.001), 1.0)
    return Chooser(sites, edges, fleet)


def measure_choices(choices: int, seed: int) -> Run:
    """Times of one choice, over `choices` of them in random order, a fleet just built.

    Percentiles are of wall time and tell what a choice takes; the means, of CPU time (with the
    clock's readings) and of wall time, also what the machine did meanwhile.
    """
    chance = random.Random(seed)
    chooser = build_chooser(chance)
    places = [
        Place(
            Source.DATABASE,
            f"prefix-{number}",
            coordinates=(chance.uniform(-60, 70), chance.uniform(-180, 180)),
        )
        for number in range(PLACES)
    ]
    for place in places:
        chooser.choose(place, "/films/0.mp4")
    asked = [
        (chance.choice(places), f"/films/{chance.randrange(PATHS)}.mp4") for _ in range(choices)
    ]
    cpu = time.thread_time_ns()
    named, taken = 0, []
    for place, key in asked:
        begun = time.perf_counter_ns()
        decision = chooser.choose(place, key)
        taken.append(time.perf_counter_ns() - begun)
        named += bool(decision.candidates)
    cpu = time.thread_time_ns() - cpu
    taken.sort()
    return {
        "p50_us": taken[choices // 2] / 1000,
        "p99_us": taken[choices * 99 // 100] / 1000,
        "cpu_us": cpu / 1000 / choices,
        "wall_us": sum(taken) / 1000 / choices,
        "errors": choices - named,
    }
