"""Operators see volumes and jobs, start them, and bring volumes back; others only look."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from config.topology import AccessToken, Topology
from tests.origin.conftest import RunningOrigin, StartOrigin
from tests.origin.store.stores import make_volumes

TOKENS = (
    AccessToken("studio", ("upload",), secret="upload-token"),
    AccessToken("operator", ("operate",), secret="operate-token"),
)
OPERATOR = {"Authorization": "Bearer operate-token"}
DATA = bytes(range(256)) * 1024


async def until_done(client: ClientSession, job: str) -> dict[str, Any]:
    async with asyncio.timeout(15):
        while True:
            found: dict[str, Any] = await (await client.get(f"/v1/store/{job}")).json()
            if found["state"] == "done":
                return found
            await asyncio.sleep(0.01)


async def metric(origin: RunningOrigin, line: str) -> float:
    text = await (await origin.client.get("/metrics")).text()
    (found,) = (each for each in text.splitlines() if each.startswith(line))
    return float(found.rpartition(" ")[2])


def flip_a_bit(root: Path) -> None:
    bad = next(root.glob("*/extents/*/*-2"))
    data = bytearray(bad.read_bytes())
    data[5] ^= 1
    bad.write_bytes(data)


async def test_operator_lets_scrub_and_sees_what_it_found(
    start_origin: StartOrigin, tmp_path: Path
) -> None:
    volumes = tuple(make_volumes(tmp_path, 4))
    async with start_origin(volumes=volumes, copies=2) as origin:
        await origin.client.put("/v1/content/a.mp4", data=DATA)
        (before,) = (await (await origin.client.get("/v1/store")).json(),)
        assert [volume["name"] for volume in before["volumes"]] == ["v0", "v1", "v2", "v3"]
        assert before["degraded_writes"] == 0
        flip_a_bit(tmp_path)
        answer = await origin.client.post("/v1/store/scrub")
        assert answer.status == 202
        found = await until_done(origin.client, "scrub")
        assert (found["bad"], found["repaired"], found["lost"]) == (1, 1, 0)
        assert found["fraction"] == 1.0
        assert await metric(origin, 'cinedge_store_upkeep{job="scrub",what="repaired"}') == 1
        assert await metric(origin, 'cinedge_store_volume_works{volume="v1"}') == 1
        assert await origin.bytes_of("a.mp4") == DATA


async def test_volume_is_readmitted_and_filled_again(
    start_origin: StartOrigin, tmp_path: Path
) -> None:
    volumes = tuple(make_volumes(tmp_path, 2))
    async with start_origin(volumes=volumes, copies=2) as origin:
        (tmp_path / "v1").rename(tmp_path / "away")
        assert (await origin.client.put("/v1/content/a.mp4", data=DATA)).status == 201
        found = await (await origin.client.get("/v1/store")).json()
        assert found["volumes"][1]["failure"]["reason"]
        assert found["degraded_writes"] == 4
        assert await metric(origin, "cinedge_store_degraded_writes") == 4
        assert await metric(origin, 'cinedge_store_volume_works{volume="v1"}') == 0
        answer = await origin.client.post("/v1/store/volumes/v1/readmit")
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["failure"] is None
        await origin.client.post("/v1/store/repair")
        await until_done(origin.client, "repair")
        assert len(list((tmp_path / "v1").glob("extents/*/*"))) == 4


async def test_changing_needs_the_scope_and_names_must_exist(start_origin: StartOrigin) -> None:
    topology = Topology(access_tokens=TOKENS)
    async with start_origin(topology, open_uploads=False) as origin:
        uploader = {"Authorization": "Bearer upload-token"}
        for path in ("/v1/store/scrub", "/v1/store/volumes/data/readmit"):
            assert (await origin.client.post(path)).status == 401
            assert (await origin.client.post(path, headers=uploader)).status == 403
        assert (await origin.client.post("/v1/store/paint", headers=OPERATOR)).status == 404
        path = "/v1/store/volumes/nowhere/readmit"
        assert (await origin.client.post(path, headers=OPERATOR)).status == 404
        assert (await origin.client.get("/v1/store/paint")).status == 404
        answer = await origin.client.get("/v1/store/rebalance")
        assert (await answer.json())["state"] == "never run"
