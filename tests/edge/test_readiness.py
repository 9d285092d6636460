"""What /readyz of an edge says at each moment of its life."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cdnkit.service.health import Health
from edge.cache.disk import Disk
from edge.cache.holdings import Holdings
from edge.cache.loading import Loading
from edge.drain import DrainMark
from edge.load import Capacity, LoadMeter
from edge.readiness import readiness
from geo_router.fleet import Result
from geo_router.probe import judge


@pytest.fixture
async def loading(tmp_path: Path) -> Loading:
    for shelf in range(4):
        (tmp_path / f"{shelf:02x}").mkdir()
    holdings = Holdings([Disk(tmp_path, 1 << 20)], asyncio.get_running_loop())
    await holdings.open()
    return holdings.loading


async def test_an_edge_serves_while_it_loads_and_says_so(loading: Loading) -> None:
    health, mark, meter = Health(), DrainMark(), LoadMeter(Capacity(0.0, 1, 1))

    def said() -> tuple[bool, str, object]:
        ready, body = readiness(health, mark, meter, loading)
        facts = json.loads(body)
        assert (judge(200 if ready else 503, body, 0.0).result is Result.ANSWERED) == ready
        return ready, facts["status"], facts.get("loaded")

    assert said() == (False, "starting", None)
    health.started()
    assert said() == (True, "loading", 0.0)
    mark.set(True)
    assert said() == (False, "draining", None)
    mark.set(False)
    loading.start()
    assert await loading.finished()
    assert said() == (True, "ready", None)
    health.drain()
    assert said() == (False, "draining", None)
