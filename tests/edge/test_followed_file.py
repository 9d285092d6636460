"""A worker follows the file its topology came from."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from cdnkit.service.health import Health
from config.node_file import NodeFile
from config.topology import MIB, EdgeNode, Topology
from edge.followed_file import FollowedFile
from tests.edge.conftest import Plan

_TEXT = """\
sites: [{{name: here, latitude: 0, longitude: 0}}]
edges:
  - name: edge-1
    site: here
    listen: 127.0.0.1:9001
    workers: 2
    disks: [{{path: cache, size_bytes: 256MiB}}]
routes: [{{prefix: {prefix}, upstream: ["http://127.0.0.1:1"]}}]
"""


async def test_what_comes_is_adopted_as_the_worker_s_share_and_named(
    plan: Plan, tmp_path: Path
) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(_TEXT.format(prefix="/"))
    file = NodeFile(path, "edges", "edge-1", {})
    file.read()
    first = file.digest
    heard: asyncio.Queue[tuple[EdgeNode, Topology]] = asyncio.Queue()

    async def adopt(node: EdgeNode, topology: Topology) -> None:
        heard.put_nowait((node, topology))

    health = Health()
    followed = FollowedFile(replace(plan.node(), workers=2), 1, file, look_seconds=0.02)
    async with followed.watched(adopt, health):
        assert health.topology == first
        path.write_text(_TEXT.format(prefix="/films/"))
        node, topology = await asyncio.wait_for(heard.get(), 5)
        assert topology.routes[0].prefix == "/films/"
        assert node.disks[0].size_bytes == 128 * MIB
        followed.hang_up()
        await asyncio.wait_for(heard.get(), 5)
    assert health.topology == file.digest != first


async def test_without_a_file_nothing_is_followed(plan: Plan) -> None:
    async def adopt(node: EdgeNode, topology: Topology) -> None:
        raise AssertionError

    health = Health()
    followed = FollowedFile(plan.node(), 0, None)
    async with followed.watched(adopt, health):
        followed.hang_up()
    assert health.topology == ""
