"""Results keep what was found and come back from JSON."""

from __future__ import annotations

import json

from tests.scripts.benchmark.results_of import some_results


def test_json_holds_every_run() -> None:
    found = json.loads(some_results().as_json())
    assert [run["cpu_us"] for run in found["runs"]["W1"]["nginx"]] == [10.0, 9.0]
    assert found["command"] == "scripts/bench --quick"
    assert found["load_average"] == [0.5, 1.25]


def test_errors_are_summed_by_measure_and_server() -> None:
    results = some_results()
    assert results.errors() == {}
    results.add("W1", "nginx", {"errors": 2})
    results.add("W1", "nginx", {"errors": 1})
    assert results.errors() == {"W1 nginx": 3}


def test_servers_come_in_the_order_of_first_use() -> None:
    results = some_results()
    assert results.servers() == ["cinedge", "nginx"]
    assert results.median("W1", "cinedge", "cpu_us") == 5.5
    assert results.median("W1", "varnish", "cpu_us") is None
