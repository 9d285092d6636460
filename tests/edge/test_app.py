"""A worker from its records to its end: what it answers, what it leaves behind, warm restarts."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path

import pytest

from config.topology import Address, CacheDisk
from edge.app import worker
from tests.edge.conftest import BLOCK, Plan, eventually, says
from tests.helpers.raw_client import RawClient

FILM = random.Random(41).randbytes(3 * BLOCK + 3)


async def test_a_restart_is_warm_and_a_clean_stop_is_marked(plan: Plan) -> None:
    plan.origin.put("/a", FILM)
    async with plan.start() as edge:
        assert (await (await edge.client()).ask("/a")).body == FILM
        await eventually(lambda: edge.worker.holdings.held_blocks == 4, "all is held")
        assert not (plan.cache / "clean").exists()
    assert (plan.cache / "clean").exists()
    asked = len(plan.origin.asked)
    async with plan.start() as edge:
        answer = await (await edge.client()).ask("/a")
        assert answer.body == FILM
        assert answer.fields["cache-status"].startswith("edge-1; hit")
    assert len(plan.origin.asked) == asked


async def test_a_start_after_a_crash_believes_no_block_unread(plan: Plan) -> None:
    plan.origin.put("/a", FILM)
    async with plan.start() as edge:
        await (await edge.client()).ask("/a")
        await eventually(lambda: edge.worker.holdings.held_blocks == 4, "all is held")
    (plan.cache / "clean").unlink()
    victim = next(path for path in plan.cache.rglob("*-2") if path.is_file())
    victim.write_bytes(bytes(len(victim.read_bytes())))
    async with plan.start() as edge:
        assert (await (await edge.client()).ask("/a")).body == FILM
        assert edge.worker.holdings.corrupt_blocks_total == 1


async def test_a_worker_that_cannot_start_gives_its_address_back(
    plan: Plan, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a directory")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    plan.listen = Address("127.0.0.1", port)
    broken = plan.node()
    object.__setattr__(broken, "disks", (CacheDisk(str(tmp_path / "file" / "x"), 1 << 24),))
    with pytest.raises(OSError, match="directory"):
        async with worker(broken, plan.topology()):
            pass
    async with plan.start() as edge:
        assert edge.worker.address.port == port


async def test_ipv6_viewers_are_served(plan: Plan) -> None:
    if not socket.has_ipv6:
        pytest.skip("this system has no IPv6")
    plan.origin.put("/a", FILM)
    plan.listen = Address("::1", 0)
    async with plan.start() as edge:
        assert (await (await edge.client()).ask("/a")).body == FILM


async def test_nothing_is_answered_after_the_end(plan: Plan) -> None:
    async with plan.start() as edge:
        address = edge.worker.address
        assert (await (await edge.client()).ask("/livez")).status == 200
    with pytest.raises(ConnectionRefusedError):
        await RawClient.connect(address.host, address.port)


async def test_paths_of_the_origin_stay_its_own_when_health_is_elsewhere(plan: Plan) -> None:
    plan.admin = Address("127.0.0.1", 0)
    plan.origin.scripts["/livez"] = says("200 OK", b"the origin's", "Cache-Control: no-store")
    async with plan.start() as edge:
        assert (await (await edge.client()).ask("/livez")).body == b"the origin's"


async def test_a_log_may_keep_a_share_of_the_hits_and_has_everything_else(
    plan: Plan, tmp_path: Path
) -> None:
    plan.origin.put("/a", b"film" * 100)
    path = tmp_path / "access.jsonl"
    hits = 400
    async with plan.but(access_log=str(path), log_sample_ratio=0.2).start() as edge:
        client = await edge.client()
        await client.ask("/a")
        await eventually(lambda: edge.worker.holdings.held_blocks == 1, "it is held")
        for _ in range(hits):
            await client.ask("/a")
        await client.ask("/missing")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    whole = [each for each in records if "sample" not in each]
    drawn = [each for each in records if "sample" in each]
    assert "miss" in {each["outcome"] for each in whole}
    assert {each["path"] for each in whole} == {"/a", "/missing"}
    assert {(each["outcome"], each["sample"]) for each in drawn} == {("hit", 0.2)}
    assert 40 < len(drawn) < 130
    # Hits on the full path, before the lane had learned the target, are there one by one.
    assert len(whole) < 10
