"""The routing part of the stage: our DNS answers, and so does what stands beside it."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.benchmark.loadgen import find_compiler
from scripts.benchmark.measures import parse_names
from scripts.benchmark.peers import find_program
from scripts.benchmark.plan import SMOKE
from scripts.benchmark.results import Results
from scripts.benchmark.routing import add_routing
from scripts.benchmark.runner import run_plan
from scripts.benchmark.stage import Builder

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler is here")


def test_dns_is_measured_beside_what_is_installed(tmp_path: Path) -> None:
    plan = dataclasses.replace(SMOKE, measures=parse_names("R1,R3,R4"), peers=("nginx",))
    if find_program("nginx") is None:
        plan = dataclasses.replace(plan, peers=())
    results = Results("", "", "", {}, {})
    with ExitStack() as stack:
        stage = Builder(plan, tmp_path, stack, lambda line: None).build()
        add_routing(stage, tmp_path, stack)
        run_plan(stage, results, lambda line: None)
    assert results.errors() == {}
    expected = (
        ["cinedge", "powerdns"] if plan.peers and find_program("pdns_server") else ["cinedge"]
    )
    assert list(results.runs["R3"]) == list(results.runs["R4"]) == expected
    assert list(results.runs["R1"]) == ["cinedge", *plan.peers]
