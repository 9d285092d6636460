"""The origin and `cp` take the same films, and leave nothing behind."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any, ClassVar

import pytest

from scripts.benchmark import ingest
from scripts.benchmark.ingest import COPY, TIMES
from tests.scripts.benchmark.conftest import SmokeRun


@pytest.mark.parametrize("measure", ["I1", "I2"])
def test_both_are_measured_in_one_run(smoke: SmokeRun, measure: str) -> None:
    runs = smoke.found["runs"][measure]
    for name in ("cinedge", COPY):
        assert runs[name][0]["mib_per_second"] > 0, json.dumps(runs)
    assert runs["cinedge"][0]["cpu_ms"] > 0


def test_every_second_round_goes_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def taker(name: str) -> Any:
        def take(*arguments: object) -> dict[str, float]:
            asked.append(name)
            assert TIMES["films"] in arguments
            return {"mib_per_second": 1.0}

        return take

    class Content:
        collections: ClassVar = {"films": ["film"]}

        def file_of(self, piece: str) -> str:
            return piece

    class Stage:
        content = Content()
        origins: ClassVar = ["origin"]
        client_cores = None

    monkeypatch.setattr(ingest, "put_films", taker("cinedge"))
    monkeypatch.setattr(ingest, "copy_films", taker(COPY))
    for number in range(2):
        runs = ingest.measure_ingest(Stage(), "films", number)  # type: ignore[arg-type]
        assert list(runs) == ["cinedge", COPY]
    assert asked == ["cinedge", COPY, COPY, "cinedge"]


def test_the_client_leaves_the_cores_of_the_server_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = os.sched_getaffinity(0)
    core = max(before)
    seen: list[set[int]] = []
    film = tmp_path / "film"
    film.write_bytes(b"film")

    class Origin:
        port = 1

        def pids(self) -> list[int]:
            return [os.getpid()]

    class Connection:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def request(self, *_: object) -> None:
            pass

        def getresponse(self) -> io.BytesIO:
            return io.BytesIO()

        def close(self) -> None:
            pass

    monkeypatch.setattr(ingest, "_put", lambda *_: seen.append(os.sched_getaffinity(0)))
    monkeypatch.setattr("http.client.HTTPConnection", Connection)
    ingest.put_films(Origin(), film, 2, {core})  # type: ignore[arg-type]
    assert seen == [{core}] * 2
    assert os.sched_getaffinity(0) == before
