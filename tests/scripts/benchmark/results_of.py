"""A small result to render and to record."""

from __future__ import annotations

from scripts.benchmark.results import Results


def some_results() -> Results:
    """Two rounds of W1 beside nginx, the origin beside nginx, and the router alone."""
    results = Results(
        command="scripts/bench --quick",
        at="2026-01-02 03:04:05",
        commit="0123abc+",
        machine={
            "processor": "A processor",
            "cores": 2,
            "memory_gib": 24.0,
            "kernel": "6.1",
            "python": "3.11.7",
            "congestion_control": "reno",
            "lane": "compiled",
            "versions": {"nginx": "1.22.1"},
        },
        settings={
            "rounds": 2,
            "cold_rounds": 1,
            "seconds": 0.4,
            "connections": 64,
            "workers": 1,
            "client": "loadgen",
            "secure": False,
            "tokens": False,
            "far_seconds": 0.02,
            "far_bytes_per_second": 125e6,
        },
        load_average=[0.5, 1.25],
        memory_mib={"cinedge": 50.0, "nginx": 10.0},
    )
    for ours, theirs in ((5.0, 10.0), (6.0, 9.0)):
        results.add("W1", "cinedge", {"cpu_us": ours, "per_second": 1e6 / ours, "errors": 0})
        results.add("W1", "nginx", {"cpu_us": theirs, "per_second": 1e6 / theirs, "errors": 0})
    results.add("O1", "cinedge", {"cpu_us": 100.0, "per_second": 9000.0})
    results.add("O1", "nginx", {"cpu_us": 90.0, "per_second": 9500.0})
    results.add("R1", "cinedge", {"cpu_us": 60.0, "per_second": 16000.0})
    results.add("R2", "cinedge", {"cpu_us": 8.25, "wall_us": 9.0})
    return results
