"""The origin and `cp` take the same films, and leave nothing behind."""

from __future__ import annotations

import json
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
        def take(origin: str, film: str, times: int) -> dict[str, float]:
            asked.append(name)
            assert times == TIMES["films"]
            return {"mib_per_second": 1.0}

        return take

    class Content:
        collections: ClassVar = {"films": ["film"]}

        def file_of(self, piece: str) -> str:
            return piece

    class Stage:
        content = Content()
        origins: ClassVar = ["origin"]

    monkeypatch.setattr(ingest, "put_films", taker("cinedge"))
    monkeypatch.setattr(ingest, "copy_films", taker(COPY))
    for number in range(2):
        runs = ingest.measure_ingest(Stage(), "films", number)  # type: ignore[arg-type]
        assert list(runs) == ["cinedge", COPY]
    assert asked == ["cinedge", COPY, COPY, "cinedge"]
