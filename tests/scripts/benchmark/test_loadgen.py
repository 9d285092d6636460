"""The load generator believes nothing: each kind of wrong answer is counted and named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.benchmark.loadgen import Load, LoadGenerator, build
from scripts.cli.errors import FailedError
from tests.scripts.benchmark.conftest import Behaviour


@pytest.fixture
def objects(little_server: Behaviour, tmp_path: Path) -> Path:
    path = tmp_path / "list"
    path.write_text(f"/film {len(little_server.body)}\n")
    return path


def test_right_answers_are_counted_and_timed(
    load: LoadGenerator, little_server: Behaviour, objects: Path
) -> None:
    answers = load.run(little_server.port, Load(objects, connections=3, requests=5))
    assert (answers.requests, answers.errors, answers.first_error) == (15, 0, "")
    assert answers.bytes == 15 * len(little_server.body)
    times = answers.total_us
    assert 0 < times["p50"] <= times["p99"] <= times["max"] * 1.02


def test_ranges_stay_inside_the_object_and_keep_the_alignment(
    load: LoadGenerator, little_server: Behaviour, objects: Path
) -> None:
    ask = Load(objects, requests=60, range_bytes=512, align_bytes=256)
    assert load.run(little_server.port, ask).errors == 0
    starts = {int(str(asked).split("=")[1].split("-")[0]) for _, asked in little_server.seen}
    assert len(starts) > 10
    assert all(start % 256 == 0 for start in starts)
    assert max(starts) + 512 <= len(little_server.body)


def test_a_walk_asks_for_each_object_in_turn(
    load: LoadGenerator, little_server: Behaviour, tmp_path: Path
) -> None:
    size = len(little_server.body)
    objects = tmp_path / "list"
    objects.write_text("".join(f"/{n} {size}\n" for n in range(4)))
    load.run(little_server.port, Load(objects, requests=4, walk=True))
    assert [path for path, _ in little_server.seen] == ["/0", "/1", "/2", "/3"]


def test_connections_that_the_server_closes_are_opened_again(
    load: LoadGenerator, little_server: Behaviour, objects: Path
) -> None:
    little_server.close_each = True
    answers = load.run(little_server.port, Load(objects, requests=4))
    assert (answers.requests, answers.errors) == (4, 0)


@pytest.mark.parametrize(
    ("bent", "asked", "named"),
    [
        ({"status": 503}, {}, "wrong status"),
        ({"announced": 7, "cut_at": 7}, {}, "wrong Content-Length"),
        ({"cut_at": 100}, {}, "body cut short"),
        ({"content_range": "bytes 0-1/2"}, {"range_bytes": 64}, "wrong Content-Range"),
        ({"status": 200}, {"range_bytes": 64}, "wrong status"),
        ({"status": 302, "location": "http://e/other"}, {"status": 302}, "wrong Location"),
        ({}, {"status": 302}, "wrong status"),
    ],
)
def test_wrong_answers_are_counted_and_named(
    bent: dict[str, Any],
    asked: dict[str, Any],
    named: str,
    load: LoadGenerator,
    little_server: Behaviour,
    objects: Path,
) -> None:
    for name, value in bent.items():
        setattr(little_server, name, value)
    answers = load.run(little_server.port, Load(objects, requests=2, **asked))
    assert answers.errors >= 2
    assert answers.first_error.startswith(named)


def test_a_redirect_to_the_same_path_is_right(
    load: LoadGenerator, little_server: Behaviour, objects: Path
) -> None:
    little_server.status, little_server.location = 302, "http://edge.example/film"
    assert load.run(little_server.port, Load(objects, requests=2, status=302)).errors == 0


def test_a_server_that_is_gone_is_an_error_not_a_hang(
    load: LoadGenerator, objects: Path, unused_tcp_port: int
) -> None:
    answers = load.run(unused_tcp_port, Load(objects, requests=1))
    assert answers.requests == 0
    assert answers.errors


def test_a_list_that_is_not_there_fails(load: LoadGenerator, tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="nowhere"):
        load.run(1, Load(tmp_path / "nowhere"))


def test_no_compiler_is_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(FailedError, match=r"written in C and no compiler is here"):
        build(tmp_path)
