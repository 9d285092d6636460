"""Load for a while on something that is warm: edge hits, origin ranges, redirects."""

from __future__ import annotations

from scripts.benchmark import procfs
from scripts.benchmark.figures import Run
from scripts.benchmark.launch import Server
from scripts.benchmark.loadgen import Load
from scripts.benchmark.measures import Kind, Measure
from scripts.benchmark.stage import Stage

FOUND = 302


def measure_steady(stage: Stage, measure: Measure, server: Server, round_number: int) -> Run:
    """One run of a warm measure on one server; the seed is the round's, the same for all."""
    load = Load(
        stage.content.list_of(measure.collection),
        connections=stage.plan.connections,
        seconds=stage.plan.seconds,
        range_bytes=measure.range_bytes,
        align_bytes=measure.align_bytes,
        status=FOUND if measure.kind is Kind.ROUTER else 0,
        seed=round_number + 1,
        poll=stage.polls,
    )
    pids = server.pids()
    before = procfs.cpu_seconds(pids)
    if stage.wrk is not None and measure.kind is Kind.HIT:
        answers = stage.wrk.run(server.port, load, secure=server.secure)
    else:
        answers = stage.load.run(server.port, load)
    cpu = procfs.cpu_seconds(pids) - before
    return {
        "cpu_us": cpu * 1e6 / max(answers.requests, 1),
        "per_second": answers.requests / answers.seconds,
        "gb_per_second": answers.bytes / answers.seconds / 1e9,
        "p50_us": answers.total_us["p50"],
        "p99_us": answers.total_us["p99"],
        "server_busy": cpu / answers.seconds,
        "client_busy": answers.client_cpu_seconds / answers.seconds,
        "errors": answers.errors,
    }
