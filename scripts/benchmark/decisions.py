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
    """CPU and wall time of one choice, over `choices` of them in random order."""
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
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    named = sum(bool(chooser.choose(place, key).candidates) for place, key in asked)
    cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
    return {
        "cpu_us": cpu / 1000 / choices,
        "wall_us": wall / 1000 / choices,
        "errors": choices - named,
    }
