"""The whole job: snapshot, generator, rows, promotion. Killed anywhere, it is simply run again.

Nobody is shown anything before the last transaction. One job runs at a time over one catalog.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from origin.batch.destination import Destination
from origin.batch.engines import Engine
from origin.batch.generate import generate
from origin.batch.inputs import opened_inputs
from origin.batch.lists import profile_lists, region_lists
from origin.batch.manifest import Manifest
from origin.batch.results import save_results
from origin.batch.saving import Wish, save_run, show_run
from origin.batch.snapshot import make_snapshot
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
        self, database: Database, destination: Destination, wish: Wish, clocks: Clocks
    ) -> None:
        self._database = database
        self._destination = destination
        self._wish = wish
        self._clocks = clocks
        self._began = clocks.timer()
        self.stages: list[Stage] = []

    async def run(self, open_engine: Callable[[], Engine]) -> str:
        """All of it: the id of the run that is shown now, empty where nobody did anything yet.

        Raises CinedgeError.
        """
        made = await make_snapshot(self._database, self._destination, self._clocks.now)
        self._end("snapshot", sum(day.rows for day in made.manifest.days))
        if not made.manifest.days:
            return ""
        engine = open_engine()
        try:
            self._end("engine", 0)
            run = await self._evaluate(engine, made.manifest)
        finally:
            engine.close()
        await show_run(self._database, run, self._wish.label)
        self._end("promotion", 1)
        return run

    async def _evaluate(self, engine: Engine, manifest: Manifest) -> str:
        with opened_inputs(self._destination, manifest, engine.schemes) as inputs:
            activity = engine.table("activity", inputs.activity)
            titles = engine.table("titles", inputs.titles)
            self._end("inputs", sum(part.rows for part in manifest.parts()))
            found = generate(engine, activity, titles, manifest.made_at, self._wish.terms)
            beside = save_results(engine, self._destination, manifest.id, found)
            self._end("generator", sum(part.rows for part in beside))
            run, count = await save_run(
                self._database,
                manifest,
                self._wish,
                region_lists(engine.batches(found.lists.popular)),
                profile_lists(engine.batches(found.lists.recommendations)),
            )
            self._end("rows", count)
        return run

    def _end(self, name: str, rows: int) -> None:
        now = self._clocks.timer()
        self.stages.append(Stage(name, now - self._began, rows))
        self._began = now
