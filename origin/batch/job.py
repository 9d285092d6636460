"""The whole job: snapshot, generator, rows, promotion. Killed anywhere, it is simply run again.

Nobody is shown anything before the last transaction. One job runs at a time over one catalog. What
does not wait for the database runs in threads, so that the claim is renewed meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from origin.batch.claiming import Worker, claimed, this_worker
from origin.batch.destination import Destination
from origin.batch.engines import Engine
from origin.batch.evaluating import evaluate
from origin.batch.inputs import opened_inputs
from origin.batch.manifest import Manifest
from origin.batch.saving import Wish, finish_run, show_run, write_run
from origin.batch.snapshot import make_snapshot
from origin.catalog.claims import Claim
from origin.catalog.database import Database


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the job that is over, and the rows it came to."""

    name: str
    seconds: float
    rows: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """The present moment, and a clock that only runs."""

    now: Callable[[], float]
    timer: Callable[[], float]


class Job:
    """One run; `stages` are those that are over."""

    def __init__(
        self,
        database: Database,
        destination: Destination,
        wish: Wish,
        clocks: Clocks,
        worker: Worker | None = None,
    ) -> None:
        self._database = database
        self._destination = destination
        self._wish = wish
        self._clocks = clocks
        self._worker = worker or this_worker()
        self._began = clocks.timer()
        self.stages: list[Stage] = []

    async def run(self, open_engine: Callable[[], Engine]) -> str:
        """All of it: the id of the run that is shown now, empty where nobody did anything yet.

        Raises CinedgeError; ConflictError where another job runs over this catalog.
        """
        async with claimed(self._database, self._clocks.now, self._worker) as claim:
            return await self._run(open_engine, claim)

    async def _run(self, open_engine: Callable[[], Engine], claim: Claim) -> str:
        made = await make_snapshot(self._database, self._destination, self._clocks.now)
        self._end("snapshot", sum(day.rows for day in made.manifest.days))
        if not made.manifest.days:
            return ""
        engine = await asyncio.to_thread(open_engine)
        try:
            self._end("engine", 0)
            run = await self._evaluate(engine, made.manifest, claim)
        finally:
            engine.close()
        await show_run(self._database, run, self._wish.label, claim, self._clocks.now())
        self._end("promotion", 1)
        return run

    async def _evaluate(self, engine: Engine, manifest: Manifest, claim: Claim) -> str:
        with ExitStack() as open_files:
            opening = opened_inputs(self._destination, manifest, engine.schemes)
            inputs = await asyncio.to_thread(open_files.enter_context, opening)
            self._end("inputs", sum(part.rows for part in manifest.parts()))
            found = await asyncio.to_thread(
                evaluate, engine, inputs, self._destination, manifest, self._wish.terms
            )
            self._end("generator", found.rows)
            facts = dict(await asyncio.to_thread(found.look))
            if self._wish.is_judged:
                facts["quality"] = await asyncio.to_thread(found.judge)
            self._end("quality", 0)
            run, count = await write_run(self._database, manifest, self._wish, claim, *found.lists)
            self._end("rows", count)
        facts |= {
            "lists": count,
            "engine": engine.name,
            "inputs": _inputs_of(manifest),
            "stages": [asdict(stage) for stage in self.stages],
        }
        await finish_run(self._database, run, claim, facts)
        return run

    def _end(self, name: str, rows: int) -> None:
        now = self._clocks.timer()
        self.stages.append(Stage(name, now - self._began, rows))
        self._began = now


def _inputs_of(manifest: Manifest) -> Mapping[str, Any]:
    return {
        "snapshot": manifest.id,
        "events": sum(day.rows for day in manifest.days),
        "titles": sum(part.rows for part in manifest.titles),
        "days": len(manifest.days),
        "size_bytes": sum(part.size_bytes for part in manifest.parts()),
    }
