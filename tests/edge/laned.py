"""An edge whose fast lane is watched, for tests of the lane and of what it remembers."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.app import worker
from edge.connection import Connection
from edge.entry import Entry
from edge.fastlane import FastLane
from tests.edge.conftest import BLOCK, Edge, Plan, eventually
from tests.helpers.clock import FakeClock
from tests.helpers.raw_client import RawClient

FILM = random.Random(21).randbytes(60 * BLOCK + 9)
SMALL = b"small" * 100
KEPT = ("Cache-Control: max-age=100",)


@dataclass(slots=True)
class Laned:
    """An edge whose clock stands still, and its log."""

    edge: Edge
    clock: FakeClock
    log: Path

    @property
    def lane(self) -> FastLane:
        """The lane itself."""
        return self.edge.worker.lane

    @property
    def answered(self) -> int:
        """Answers that the lane gave (it numbers them)."""
        return self.lane._number

    def entry(self, path: str = "/film") -> Entry:
        """The entry of a path."""
        return self.edge.worker.holdings.entries[path.encode()]

    def pass_seconds(self, seconds: float) -> None:
        """Move the wall clock on."""
        self.clock.advance(seconds)
        self.edge.worker.server.tick(self.edge.worker.server.now)

    def all_is_held(self) -> bool:
        """Whether no block is on its way."""
        return not any(entry.growing for entry in self.edge.worker.holdings.entries.values())

    async def warm(self, client: RawClient, target: str, *lines: str) -> bytes:
        """Ask until the lane answers."""
        for _ in range(6):
            before = self.answered
            answer = await client.ask(target, *lines)
            if self.answered > before:
                return answer.body
            await eventually(self.all_is_held, "all is held")
        raise AssertionError("the lane never answers")

    async def records(self) -> list[dict[str, Any]]:
        """The log of everything up to now."""
        accounts = self.edge.worker.accounts
        accounts.absorb(self.lane)
        await accounts._log.flush()
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextlib.asynccontextmanager
async def laned(plan: Plan, **more: Any) -> AsyncIterator[Laned]:
    clock = FakeClock(float(int(time.time())) + 0.25)
    plan.cache.mkdir(exist_ok=True)
    log = plan.cache / "access.log"
    plan = plan.but(access_log=str(log))
    async with worker(plan.node(), plan.topology(), now=clock, **more) as running:
        edge = Edge(running, plan.origin)
        try:
            yield Laned(edge, clock, log)
        finally:
            for client in edge.clients:
                client.close()


@contextlib.asynccontextmanager
async def laned_on_films(plan: Plan, **more: Any) -> AsyncIterator[Laned]:
    """With /film and /small at its origin."""
    plan.origin.put("/film", FILM, lines=KEPT)
    plan.origin.put("/small", SMALL, lines=KEPT)
    async with laned(plan, **more) as made:
        yield made


def all_of(fast: Laned) -> list[Connection]:
    """The connections of the edge."""
    return list(fast.edge.worker.server.connections.values())
