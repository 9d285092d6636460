"""The router's choice is timed over a fleet that can always answer."""

from __future__ import annotations

import random

from geo_router.choose import Rung
from geo_router.place import Place, Source
from scripts.benchmark.decisions import build_chooser, measure_choices


def test_every_choice_of_the_timed_fleet_names_a_healthy_edge() -> None:
    chooser = build_chooser(random.Random(1))
    place = Place(Source.DATABASE, "p", coordinates=(50.0, 8.0))
    assert chooser.choose(place, "/films/1.mp4").rung is Rung.HEALTHY_IN_SITE


def test_a_choice_takes_some_time_and_no_errors() -> None:
    run = measure_choices(50, seed=1)
    assert run["errors"] == 0
    assert 0 < run["cpu_us"] < 100_000
    assert run["wall_us"] > 0
    assert 0 < run["p50_us"] <= run["p99_us"]
