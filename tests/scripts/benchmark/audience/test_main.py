"""A small audience at real servers, and what makes a run fail."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from scripts.benchmark.audience.__main__ import Result, failures, make_parser, render, run
from scripts.benchmark.audience.calls import Figures

QUIET = Result(1, 1.0, {}, {}, 0, 0, [])


@pytest.mark.parametrize(
    ("errors", "count"), [({}, 0), ({409: 2}, 0), ({503: 2}, 2), ({0: 1}, 1), ({-1: 3}, 3)]
)
def test_servers_faults_fail_a_run_and_refusals_do_not(errors: dict[int, int], count: int) -> None:
    result = dataclasses.replace(QUIET, calls={"play": Figures(9, errors, 1.0, 2.0)})
    assert failures(result) == count
    for status in errors:
        assert f"with {status}" in render(result)


def test_what_the_audit_found_fails_a_run_and_is_printed() -> None:
    result = dataclasses.replace(QUIET, wrong=["a stream is there"])
    assert failures(result) == 1
    assert "a stream is there" in render(result)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_audience_is_told_nothing_that_is_not_true(tmp_path: Path) -> None:
    words = ["--viewers", "10", "--seconds", "5", "--think", "0.1", "--heartbeats", "2"]
    words.append("--cheap-hashes")
    result = run(tmp_path, make_parser().parse_args(words))
    assert failures(result) == 0, render(result)
    assert result.wrong == []
    assert result.calls["sign in"].calls >= 10
    assert set(result.usage) >= {"origin", "edge", "router"}
    json.dumps(dataclasses.asdict(result))
