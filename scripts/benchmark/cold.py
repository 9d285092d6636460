"""What an edge does with objects it does not hold: seeks, crowds, streams, fills beside hits.

Each measurement asks for objects nobody has asked for before, from an edge that has one idle
connection to its origin, as in service.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.benchmark import procfs
from scripts.benchmark.far_origin import FarOrigin
from scripts.benchmark.figures import Run
from scripts.benchmark.launch import Server
from scripts.benchmark.loadgen import Answers, Load
from scripts.benchmark.measures import MIB, Kind, Measure
from scripts.benchmark.stage import Stage

FILLS_AT_ONCE: Final = 8
HITS_BESIDE_FILLS: Final = 32
MISSES_AT_ONCE: Final = 16
SMALL_MISSES: Final = 4  # times as many: CPU time is counted in ticks of 10 ms
_FILL_RATE: Final = 1.6  # of the far origin's: enough to keep the fills busy


def measure_cold(stage: Stage, measure: Measure, server: Server, round_number: int) -> Run:
    """One run of a cold or miss measure on one server."""
    assert stage.far is not None
    is_far = measure.kind is Kind.COLD
    rate = stage.plan.far_bytes_per_second * (_FILL_RATE if measure.name == "M1" else 1)
    stage.far.hang_up()
    stage.far.place(stage.plan.far_seconds if is_far else 0.0, rate if is_far else 0.0)
    _ask(stage, server, stage.content.cold_list("tiny"))
    stage.far.take_counts()
    run = _WAYS[measure.name](stage, server, measure, round_number)
    stage.far.place(0.0, 0.0)
    return run


def _ask(stage: Stage, server: Server, objects: Path, size: int = 0, at: int = 0) -> Answers:
    load = Load(objects, requests=1, range_bytes=size, at_byte=at if size else None)
    return stage.load.run(server.port, load)


def _pulled(far: FarOrigin | None) -> Run:
    assert far is not None
    counts = far.take_counts()
    return {"origin_mib": counts.bytes / MIB, "origin_requests": counts.requests}


def _seek(stage: Stage, server: Server, measure: Measure, _: int) -> Run:
    objects = stage.content.cold_list(measure.collection)
    middle = stage.plan.scale.long_mib // 2 * MIB
    first = _ask(stage, server, objects, MIB, middle)
    pulled = _pulled(stage.far)
    following = _ask(stage, server, objects, MIB, middle + MIB)
    again = _ask(stage, server, objects, MIB, middle)
    return pulled | {
        "first_byte_ms": first.body_us["max"] / 1000,
        "done_ms": first.total_us["max"] / 1000,
        "next_ms": following.total_us["max"] / 1000,
        "again_ms": again.total_us["max"] / 1000,
        "errors": first.errors + following.errors + again.errors,
    }


def _crowd(stage: Stage, server: Server, measure: Measure, _: int) -> Run:
    objects = stage.content.cold_list(measure.collection)
    pids = server.pids()
    before = procfs.cpu_seconds(pids)
    load = Load(objects, connections=stage.plan.scale.crowd, requests=1)
    answers = stage.load.run(server.port, load)
    cpu = procfs.cpu_seconds(pids) - before
    return _pulled(stage.far) | {
        "all_done_ms": answers.seconds * 1000,
        "first_byte_p50_ms": answers.body_us["p50"] / 1000,
        "first_byte_max_ms": answers.body_us["max"] / 1000,
        "cpu_ms": cpu * 1000,
        "errors": answers.errors,
    }


def _stream(stage: Stage, server: Server, measure: Measure, _: int) -> Run:
    objects = stage.content.cold_list(measure.collection)
    size = stage.plan.scale.cold_read_mib * MIB
    answers = _ask(stage, server, objects, size)
    return _pulled(stage.far) | {
        "mb_per_second": size / max(answers.total_us["max"], 1),
        "first_byte_ms": answers.body_us["max"] / 1000,
        "errors": answers.errors,
    }


def _hits_beside_fills(stage: Stage, server: Server, measure: Measure, round_number: int) -> Run:
    count = max(stage.plan.scale.fills, FILLS_AT_ONCE)
    fills = Load(
        stage.content.cold_list("flash", count),
        connections=FILLS_AT_ONCE,
        requests=count // FILLS_AT_ONCE,
        walk=True,
    )
    filling = stage.load.start(server.port, fills)
    hits = Load(
        stage.content.list_of(measure.collection),
        connections=min(HITS_BESIDE_FILLS, stage.plan.connections),
        seconds=stage.plan.seconds,
        range_bytes=measure.range_bytes,
        seed=round_number + 1,
    )
    try:
        answers = stage.load.run(server.port, hits)
    finally:
        filled = stage.load.finish(filling)
    return {
        "p50_us": answers.total_us["p50"],
        "p99_us": answers.total_us["p99"],
        "per_second": answers.requests / answers.seconds,
        "fill_seconds": filled.seconds,
        "errors": answers.errors + filled.errors,
    }


def _misses(stage: Stage, server: Server, measure: Measure, _: int) -> Run:
    at_once = min(MISSES_AT_ONCE, stage.plan.scale.misses)
    each = stage.plan.scale.misses // at_once
    if measure.collection == "tiny":
        each *= SMALL_MISSES
    objects = stage.content.cold_list(measure.collection, each * at_once)
    pids = server.pids()
    before = procfs.cpu_seconds(pids)
    load = Load(objects, connections=at_once, requests=each, walk=True)
    answers = stage.load.run(server.port, load)
    cpu = procfs.cpu_seconds(pids) - before
    return {
        "cpu_us": cpu * 1e6 / max(answers.requests, 1),
        "per_second": answers.requests / answers.seconds,
        "p50_us": answers.total_us["p50"],
        "p99_us": answers.total_us["p99"],
        "errors": answers.errors,
    }


_WAYS: Final[dict[str, Callable[[Stage, Server, Measure, int], Run]]] = {
    "C1": _seek,
    "C2": _crowd,
    "C3": _stream,
    "M1": _hits_beside_fills,
    "E1": _misses,
    "E2": _misses,
}
