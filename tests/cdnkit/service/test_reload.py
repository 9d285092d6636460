"""A new topology file is taken in when it is sound; one that is not changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cdnkit.errors import BadRequestError
from cdnkit.service.reload import Watch
from config.complaints import TopologyError
from config.node_file import NodeFile
from config.topology import RouterNode, Topology

SOUND = """\
sites: [{{name: fra, latitude: 50, longitude: 8}}]
edges: [{{name: e-{edge}, site: fra, listen: 127.0.0.1:9001, disks: [{{path: /tmp/e}}]}}]
routes: [{{prefix: /, upstream: [http://127.0.0.1:1]}}]
routers: [{{name: {router}, listen: 127.0.0.1:8080}}]
"""


def write(path: Path, edge: str = "1", router: str = "r") -> None:
    path.write_text(SOUND.format(edge=edge, router=router))


class Hearing:
    """What a watch handed over and counted, to wait for."""

    def __init__(self) -> None:
        self.edges: list[str] = []
        self.results: asyncio.Queue[str] = asyncio.Queue()
        self.error: Exception | None = None

    async def adopt(self, node: RouterNode, topology: Topology) -> None:
        if self.error is not None:
            raise self.error
        self.edges.append(topology.edges[0].name)

    async def next(self) -> str:
        async with asyncio.timeout(5):
            return await self.results.get()


@asynccontextmanager
async def watching(path: Path) -> AsyncIterator[tuple[Watch, Hearing]]:
    hearing = Hearing()
    file = NodeFile(path, "routers", "r", {})
    file.read()
    count = hearing.results.put_nowait
    watch = Watch(file, hearing.adopt, (TopologyError,), count, look_seconds=0.02)
    task = asyncio.create_task(watch.follow())
    yield watch, hearing
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_changed_file_is_taken_in_and_a_bad_one_leaves_the_old(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    write(path)
    async with watching(path) as (_, hearing):
        write(path, edge="2")
        assert (await hearing.next(), hearing.edges) == ("adopted", ["e-2"])
        path.write_text("edges: [{")
        assert (await hearing.next(), hearing.edges) == ("refused", ["e-2"])
        path.unlink()
        assert await hearing.next() == "refused"
        write(path, router="other")
        assert await hearing.next() == "refused"
        write(path, edge="3")
        assert (await hearing.next(), hearing.edges) == ("adopted", ["e-2", "e-3"])


async def test_a_signal_reads_a_file_that_did_not_change(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    write(path)
    async with watching(path) as (watch, hearing):
        watch.hang_up()
        assert (await hearing.next(), hearing.edges) == ("adopted", ["e-1"])


@pytest.mark.parametrize("error", [BadRequestError("no site"), RuntimeError("a mistake of ours")])
async def test_a_topology_that_cannot_be_adopted_does_not_end_the_watch(
    tmp_path: Path, error: Exception
) -> None:
    path = tmp_path / "topology.yaml"
    write(path)
    async with watching(path) as (watch, hearing):
        hearing.error = error
        watch.hang_up()
        assert await hearing.next() == "refused"
        hearing.error = None
        watch.hang_up()
        assert await hearing.next() == "adopted"
