"""What all who take part in a run share: the world, the observer's book, and what was found."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.faults.scenario.judging import Judge, Read
from tests.faults.scenario.ledger import Ledger
from tests.faults.scenario.plan import Scenario
from tests.faults.scenario.troubles import Troubles
from tests.faults.scenario.world import World

COMPLAINTS_MAX: Final = 5
_TICK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something promised that was not kept. `at_seconds` counts from the beginning."""

    at_seconds: float
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.at_seconds:.2f} s, {self.who}: {self.what}"


@dataclass(slots=True)
class Stage:
    """Everybody stops once `over` is set: the time is up, or enough was found."""

    scenario: Scenario
    world: World
    ledger: Ledger
    troubles: Troubles
    judge: Judge
    began_at: float = 0.0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    complaints: list[Complaint] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def now(self) -> float:
        """Seconds of the clock that all times here are of."""
        return asyncio.get_running_loop().time()

    def chance(self, who: str) -> Random:
        """What decides for somebody: the same for the same seed."""
        return Random(f"{self.scenario.seed} {who}")

    def complain(self, who: str, what: str) -> None:
        """Note what was found. The run ends soon."""
        if len(self.complaints) < COMPLAINTS_MAX:
            self.complaints.append(Complaint(self.now() - self.began_at, who, what))
        self.over.set()

    def check(self, who: str, read: Read) -> None:
        """Judge an answer."""
        self.counts[f"status {read.status}"] += 1
        what = self.judge.complaint(read)
        if what:
            self.complain(who, f"{read.server} {read.path} [{read.start}, {read.stop}): {what}")

    async def pause(self, seconds: float) -> None:
        """Wait, or until it is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.over.wait()

    async def watch_lateness(self) -> None:
        """Know how late this process is: what it sees late was not late for that."""
        while True:
            before = self.now()
            await asyncio.sleep(_TICK_SECONDS)
            late = self.now() - before - _TICK_SECONDS
            self.judge.slack_seconds = max(self.judge.slack_seconds, 4 * late)
