"""wrk asks for what it is told to, and what it saw is read as the other client's answers are."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from scripts.benchmark import wrk as wrk_module
from scripts.benchmark.loadgen import Load
from scripts.benchmark.wrk import Wrk, parse
from scripts.cli.errors import FailedError
from tests.scripts.benchmark.conftest import Behaviour

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="needs the wrk program")


@pytest.fixture
def objects(little_server: Behaviour, tmp_path: Path) -> Path:
    path = tmp_path / "list"
    size = len(little_server.body)
    path.write_text(f"/one {size}\n/two {size}\n")
    return path


@needs_wrk
def test_ranges_are_aligned_and_inside_the_object(
    little_server: Behaviour, objects: Path, tmp_path: Path
) -> None:
    load = Load(objects, connections=2, seconds=0.2, range_bytes=512, align_bytes=256)
    answers = Wrk(tmp_path, None).run(little_server.port, load, secure=False)
    assert answers.errors == 0
    assert 0 < answers.requests <= len(little_server.seen)
    assert answers.bytes >= 512 * answers.requests
    assert 0 < answers.total_us["p50"] <= answers.total_us["p99"] <= answers.total_us["max"]
    assert {path for path, _ in little_server.seen} == {"/one", "/two"}
    for _, asked in little_server.seen:
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", asked or "")
        assert found is not None
        start, last = int(found[1]), int(found[2])
        assert start % 256 == 0
        assert last - start == 511
        assert last < len(little_server.body)


@needs_wrk
def test_wrong_statuses_are_counted(
    little_server: Behaviour, objects: Path, tmp_path: Path
) -> None:
    little_server.status = 503
    answers = Wrk(tmp_path, None).run(little_server.port, Load(objects), secure=False)
    assert answers.errors == answers.requests > 0
    assert answers.first_error


@needs_wrk
def test_a_server_that_is_not_there_is_said(objects: Path, tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="unable to connect"):
        Wrk(tmp_path, None).run(1, Load(objects), secure=False)


def test_without_wrk_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrk_module, "PROGRAM", "no-such-wrk")
    with pytest.raises(FailedError, match="not installed"):
        Wrk(tmp_path, None)


def test_the_last_line_is_what_counts() -> None:
    line = '{"requests":5,"bytes":9,"us":500000,"errors":0,"p50":1,"p99":2,"max":3}'
    answers = parse(f"Running 1s test\n  5 requests\n\n{line}\n", 0.25)
    assert (answers.requests, answers.bytes, answers.seconds) == (5, 9, 0.5)
    assert (answers.first_error, answers.client_cpu_seconds) == ("", 0.25)
