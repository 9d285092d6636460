"""What must be true of an edge when nobody asks it for anything any more."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from config.topology import CacheDisk
from edge.app import worker
from edge.entry import HELD
from tests.edge.conftest import Edge, Plan, eventually


async def all_at_rest(edge: Edge) -> None:
    """Nothing is on its way, nobody is waited for, nothing is lent."""
    fills = edge.worker.fills
    for client in edge.clients:
        client.close()
    await eventually(lambda: not edge.worker.server.connections, "every connection has ended")
    await eventually(lambda: not fills._tasks and not fills._saving, "every fill has ended")
    departures = edge.worker.holdings._departures
    await eventually(lambda: not len(departures), "the blocks of what left have gone")
    for entry in edge.worker.holdings.entries.values():
        assert not entry.growing
        assert not entry.readers
    assert not fills.unsaved
    assert not fills._homeless
    assert not fills._paused
    assert not fills._stirred


@contextlib.asynccontextmanager
async def small_edge(plan: Plan, size_bytes: int) -> AsyncIterator[Edge]:
    """The edge of `plan` with a cache of `size_bytes`."""
    node = replace(plan.node(), disks=(CacheDisk(str(plan.cache), size_bytes),))
    async with worker(node, plan.topology()) as running:
        edge = Edge(running, plan.origin)
        await running.holdings.loading.finished()
        try:
            yield edge
        finally:
            for client in edge.clients:
                client.close()


def assert_disk_equals_index(cache: Path, edge: Edge) -> None:
    """After the edge has ended: its directory holds what the index says, nothing else."""
    on_disk = {path.name for path in cache.glob("??/*/*-*")}
    held = {
        f"{entry.files_name}-{block}"
        for entry in edge.worker.holdings.entries.values()
        for block, state in enumerate(entry.present)
        if state == HELD
    }
    assert on_disk == held
    assert len(held) == edge.worker.holdings.held_blocks
    assert not list((cache / "aside").iterdir())
