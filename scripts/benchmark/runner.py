"""Takes the measures of a plan in turn: each round asks every server, forth and back."""

from __future__ import annotations

from collections.abc import Callable

from scripts.benchmark import procfs
from scripts.benchmark.cold import measure_cold
from scripts.benchmark.decisions import measure_choices
from scripts.benchmark.figures import Run
from scripts.benchmark.ingest import measure_ingest
from scripts.benchmark.launch import Server
from scripts.benchmark.measures import Kind, Measure
from scripts.benchmark.results import Results
from scripts.benchmark.stage import OURS, Stage
from scripts.benchmark.steady import measure_steady

_COLD = (Kind.COLD, Kind.MISS)


def run_plan(stage: Stage, results: Results, say: Callable[[str], None]) -> None:
    """All rounds of a plan; warm measures first, memory after them, cold measures last."""
    plan = stage.plan
    warm = [each for each in plan.measures if each.kind not in _COLD]
    cold = [each for each in plan.measures if each.kind in _COLD]
    for number in range(plan.rounds if warm else 0):
        for measure in warm:
            _take(stage, measure, number, results)
        say(f"round {number + 1} of {plan.rounds}")
    if any(each.kind is Kind.HIT for each in warm):
        for server in stage.edges:
            pss = procfs.pss_bytes(server.pids())
            results.memory_mib[server.name] = round(pss / 2**20, 1)
    for number in range(plan.cold_rounds if cold else 0):
        for measure in cold:
            _take(stage, measure, number, results)
        say(f"cold round {number + 1} of {plan.cold_rounds}")


def _take(stage: Stage, measure: Measure, number: int, results: Results) -> None:
    if measure.kind is Kind.CHOICE:
        results.add(measure.name, OURS, measure_choices(stage.plan.choices, number))
        return
    if measure.kind is Kind.INGEST:
        for name, run in measure_ingest(stage, measure.collection, number).items():
            results.add(measure.name, name, run)
        return
    servers = _servers(stage, measure.kind)
    if measure.kind is Kind.DNS:
        for server in servers if number % 2 == 0 else servers[::-1]:
            assert stage.ask_names is not None
            run = stage.ask_names(server, stage.plan.seconds, number + 1, measure.name == "R4")
            results.add(measure.name, server.name, run)
        return
    runs: dict[str, Run] = {}
    for server in servers if number % 2 == 0 else servers[::-1]:
        take = measure_cold if measure.kind in _COLD else measure_steady
        runs[server.name] = take(stage, measure, server, number)
    for server in servers:
        results.add(measure.name, server.name, runs[server.name])


def _servers(stage: Stage, kind: Kind) -> list[Server]:
    if kind is Kind.ORIGIN:
        return stage.origins
    if kind is Kind.DNS:
        return stage.name_servers
    return stage.routers if kind is Kind.ROUTER else stage.edges
