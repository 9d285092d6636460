"""Several workers of one box in the test's own process: separate in all but the memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from config.topology import MIB, CacheDisk
from edge.app import worker
from edge.box.settle import settle
from edge.box.sockets import Sockets
from edge.cache.shelves import owner_of
from edge.entry import name_of
from tests.edge.conftest import Edge, Plan

WORKERS = 3


@dataclass(slots=True)
class Boxed:
    """Running workers."""

    workers: list[Edge]
    sockets: Sockets

    def owner(self, target: str) -> Edge:
        """The worker that owns a target."""
        return self.workers[owner_of(name_of(target.encode()), len(self.workers))]

    def others(self, target: str) -> list[Edge]:
        """Those that do not."""
        return [each for each in self.workers if each is not self.owner(target)]


def owned_by(number: int, workers: int = WORKERS, suffix: str = "") -> str:
    """A target of one worker."""
    names = (f"/film-{count}{suffix}" for count in range(10_000))
    return next(name for name in names if owner_of(name_of(name.encode()), workers) == number)


@contextlib.asynccontextmanager
async def boxed_workers(
    plan: Plan, count: int, size_bytes: int = 256 * MIB, *, loaded: bool = True
) -> AsyncIterator[Boxed]:
    """`count` workers over the plan's cache directory, `size_bytes` for each.

    They know all that is held, unless `loaded` is False.
    """
    settle(plan.cache, count)
    node = replace(plan.node(), workers=count, disks=(CacheDisk(str(plan.cache), size_bytes),))
    async with contextlib.AsyncExitStack() as stack:
        sockets = stack.enter_context(contextlib.closing(Sockets(count)))
        running = [
            worker(node, plan.topology(), number, sockets=sockets) for number in range(count)
        ]
        # They wait for each other.
        started = await asyncio.gather(*map(stack.enter_async_context, running))
        edges = [Edge(each, plan.origin) for each in started]
        for each in started if loaded else ():
            await each.holdings.loading.finished()
        try:
            yield Boxed(edges, sockets)
        finally:
            for edge in edges:
                for client in edge.clients:
                    client.close()


@pytest.fixture
async def box(plan: Plan) -> AsyncIterator[Boxed]:
    """Three workers."""
    async with boxed_workers(plan, WORKERS) as running:
        yield running
