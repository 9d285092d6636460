"""Rounds go forth and back over the servers, warm measures before cold ones."""

from __future__ import annotations

from typing import Any, cast

import pytest

from scripts.benchmark import runner
from scripts.benchmark.measures import MEASURES
from scripts.benchmark.plan import Plan
from scripts.benchmark.results import Results
from scripts.benchmark.stage import Stage
from tests.scripts.benchmark.conftest import SmokeRun


class NamedServer:
    def __init__(self, name: str) -> None:
        self.name = name

    def pids(self) -> list[int]:
        return []


class BareStage:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.edges = [NamedServer("cinedge"), NamedServer("nginx")]


def test_servers_are_asked_forth_and_back_and_warm_comes_before_cold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, str]] = []

    def take(_: Any, measure: Any, server: Any, number: int) -> dict[str, float]:
        asked.append((measure.name, server.name))
        return {"cpu_us": float(number + 1)}

    monkeypatch.setattr(runner, "measure_steady", take)
    monkeypatch.setattr(runner, "measure_cold", take)
    plan = Plan(measures=(MEASURES["C1"], MEASURES["W1"]), rounds=2, cold_rounds=1)
    results = Results("", "", "", {}, {})
    said: list[str] = []
    runner.run_plan(cast("Stage", BareStage(plan)), results, said.append)
    assert asked == [
        ("W1", "cinedge"),
        ("W1", "nginx"),
        ("W1", "nginx"),
        ("W1", "cinedge"),
        ("C1", "cinedge"),
        ("C1", "nginx"),
    ]
    assert results.runs["W1"]["cinedge"] == [{"cpu_us": 1.0}, {"cpu_us": 2.0}]
    assert said == ["round 1 of 2", "round 2 of 2", "cold round 1 of 1"]


def test_memory_is_that_of_the_warm_edge(smoke: SmokeRun) -> None:
    assert smoke.found["memory_mib"]["cinedge"] > 1
