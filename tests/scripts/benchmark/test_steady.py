"""Warm measures yield rates, latencies and CPU time of the server that was asked."""

from __future__ import annotations

import pytest

from scripts.benchmark.measures import MEASURES, Kind
from tests.scripts.benchmark.conftest import SmokeRun

WARM = [n for n, m in MEASURES.items() if m.kind in (Kind.HIT, Kind.ORIGIN, Kind.ROUTER)]


@pytest.mark.parametrize("name", WARM)
def test_a_warm_run_yields_every_figure_of_its_measure(name: str, smoke: SmokeRun) -> None:
    run = smoke.run(name)
    assert {figure.name for figure in MEASURES[name].figures} <= run.keys()
    assert run["per_second"] > 0
    assert 0 < run["p50_us"] <= run["p99_us"]


def test_bytes_per_second_are_those_of_the_range(smoke: SmokeRun) -> None:
    run = smoke.run("O1")
    assert run["gb_per_second"] * 1e9 >= run["per_second"] * MEASURES["O1"].range_bytes * 0.99
