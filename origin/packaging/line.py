"""Moves titles along: takes up rows, does the step that their state asks for, writes what came out.

A step that fails for a reason of ours is tried again, later and later; one that fails because of
the film ends in `refused` with the reason. A row that somebody else has changed meanwhile (a newer
upload, a retired title) is left alone, and what was made for it is deleted with its revision.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol

import structlog

from cdnkit.errors import CinedgeError, NotFoundError
from cdnkit.service.lasting import is_told_to_end, lasting, start_lasting
from origin.catalog.catalog import Catalog
from origin.catalog.jobs import NEVER, JobRow, Jobs
from origin.packaging.boxes import UnplayableError
from origin.packaging.start import PREFIX, advance, prefix_of, with_keys
from origin.packaging.states import WORKABLE, TitleEvent, TitleState

LEASE_SECONDS: Final = 60.0
POLL_SECONDS: Final = 5.0
PROGRESS_SECONDS: Final = 1.0
RETRY_SECONDS: Final = (2.0, 5.0, 15.0, 60.0, 300.0, 900.0)
WORKER_ATTEMPTS_MAX: Final = 3
"""How often the packaging process may die of one film before the film is refused."""

_IN_VAIN: Final = frozenset({TitleState.REFUSED.value, TitleState.RETIRED.value})

_log = structlog.get_logger()

Progress = Callable[[float], None]


class Steps(Protocol):
    """What the line has done for it, per state."""

    async def verify(self, row: JobRow, progress: Progress) -> dict[str, Any]:
        """Facts of the source. Raises UnplayableError."""

    async def package(self, row: JobRow, progress: Progress) -> dict[str, Any]:
        """Every file, published under the prefix of its revision. Raises UnplayableError."""

    async def place(self, row: JobRow) -> str:
        """Empty when enough edges hold the first bytes, else what is missing."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the line goes about it."""

    worker: str
    jobs_max: int = 1
    replaced_seconds: float = 6 * 3600.0


class Line:
    """The loop over rows. `run` works until cancelled; `wake` says that there is something new."""

    def __init__(
        self,
        catalog: Catalog,
        jobs: Jobs,
        steps: Steps,
        pace: Pace,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._steps = steps
        self._pace = pace
        self._now = now
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There is a row to take up."""
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled. Troubles are reported and tried again."""
        try:
            await self._jobs.free(self._pace.worker)
        except CinedgeError as error:
            _log.error("packaging cannot read its rows", reason=error.detail)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._pace.jobs_max):
                group.create_task(lasting("packaging", self._work))

    async def _work(self) -> None:
        while True:
            self._news.clear()
            try:
                if await self.take_one():
                    continue
            except (CinedgeError, OSError) as error:
                _log.error("packaging failed", reason=str(error))
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def take_one(self) -> bool:
        """Do one step of one row; False when none waits."""
        row = await self._jobs.claim(self._pace.worker, LEASE_SECONDS)
        if row is None:
            return False
        renewal = _Renewal(self._jobs, row, self._now)
        step = asyncio.create_task(self._do(row, renewal.note))
        keeping = start_lasting("lease of a row", partial(renewal.keep, step.cancel))
        try:
            following = await step
        except asyncio.CancelledError:
            if not renewal.lost or is_told_to_end():
                raise
            await self._delete_under(prefix_of(row.title_id, row.revision))
            return True
        except UnplayableError as error:
            following = advance(row, TitleEvent.REFUSE, self._now(), reason=error.detail)
        except (CinedgeError, OSError) as error:
            following = self._put_off(row, error)
        finally:
            step.cancel()
            keeping.cancel()
            await asyncio.gather(step, keeping, return_exceptions=True)
        await self._replace(row, following)
        return True

    async def _do(self, row: JobRow, progress: Progress) -> JobRow:
        state = TitleState(row.state)
        if state not in WORKABLE:
            return await self._clear(row)
        if state is TitleState.RECEIVED:
            await self._delete_superseded(row)
            facts = await self._steps.verify(row, progress)
            return advance(row, TitleEvent.VERIFY, self._now(), package={"facts": facts})
        if state is TitleState.VERIFIED:
            await self._delete_under(prefix_of(row.title_id, row.revision))
            made = await self._steps.package(row, progress)
            package = with_keys(made, prefix_of(row.title_id, row.revision))
            return advance(row, TitleEvent.PACKAGE, self._now(), package=package)
        if state is TitleState.PACKAGED:
            missing = await self._steps.place(row)
            if not missing:
                return advance(row, TitleEvent.PLACE, self._now())
            again_at = self._now() + self._delay(row)
            return replace(
                row, attempts=row.attempts + 1, reason=missing, worker="", leased_until=again_at
            )
        return self._publish(row)

    def _publish(self, row: JobRow) -> JobRow:
        """Viewers get the new package; the old one stays for those who are watching it."""
        replaced = list(row.published.get("replaced", ()))
        due_at = NEVER
        if row.published:
            due_at = self._now() + self._pace.replaced_seconds
            replaced.append({"prefix": row.published["prefix"], "due_at": due_at})
        due_at = min((entry["due_at"] for entry in replaced), default=due_at)
        published = {**row.package, "revision": row.revision, "replaced": replaced}
        return advance(
            row,
            TitleEvent.PUBLISH,
            self._now(),
            package={},
            published=published,
            leased_until=due_at,
        )

    async def _clear(self, row: JobRow) -> JobRow:
        """Delete what viewers no longer need: old packages, or all of a retired title."""
        if TitleState(row.state) is TitleState.RETIRED:
            await self._delete_under(f"{PREFIX}{row.title_id}/")
            return replace(row, worker="", leased_until=NEVER)
        left = []
        for entry in row.published.get("replaced", ()):
            if entry["due_at"] > self._now():
                left.append(entry)
            else:
                await self._delete_under(entry["prefix"])
        due_at = min((entry["due_at"] for entry in left), default=NEVER)
        published = {**row.published, "replaced": left} if row.published else {}
        return replace(row, published=published, worker="", leased_until=due_at)

    async def _delete_superseded(self, row: JobRow) -> None:
        """Delete earlier packages that viewers never got, or lost with a retired title."""
        kept = {entry["prefix"] for entry in row.published.get("replaced", ())}
        kept.add(row.published.get("prefix"))
        for revision in range(1, row.revision):
            prefix = prefix_of(row.title_id, revision)
            if prefix not in kept:
                await self._delete_under(prefix)

    async def _delete_under(self, prefix: str) -> None:
        """Unpublish every object whose key begins with `prefix`."""
        while True:
            rows, _ = self._catalog.objects.page(prefix=prefix, limit=100)
            if not rows:
                return
            for row in rows:
                try:
                    await self._catalog.delete(row.key, lambda _: None)
                except NotFoundError:
                    pass

    def _put_off(self, row: JobRow, error: Exception) -> JobRow:
        """Try again later; give up on a film of which the process dies again and again."""
        reason = error.detail if isinstance(error, CinedgeError) else str(error)
        if getattr(error, "code", "") == "packaging-failed" and (
            row.attempts + 1 >= WORKER_ATTEMPTS_MAX
        ):
            return advance(row, TitleEvent.REFUSE, self._now(), reason=reason)
        again_at = self._now() + self._delay(row)
        return replace(
            row, attempts=row.attempts + 1, reason=reason, worker="", leased_until=again_at
        )

    def _delay(self, row: JobRow) -> float:
        return RETRY_SECONDS[min(row.attempts, len(RETRY_SECONDS) - 1)]

    async def _replace(self, before: JobRow, after: JobRow) -> None:
        """Write a row, unless it became somebody else's; then delete what was made in vain."""

        def make(current: JobRow | None) -> JobRow | None:
            return after if current is not None and _is_ours(current, before) else None

        found = await self._jobs.change(before.title_id, make)
        if found is None or found.revision != before.revision or found.state in _IN_VAIN:
            await self._delete_under(prefix_of(before.title_id, before.revision))


def _is_ours(current: JobRow, held: JobRow) -> bool:
    return (current.revision, current.worker, current.state) == (
        held.revision,
        held.worker,
        held.state,
    )


class _Renewal:
    """Keeps the lease of a row and shows progress while a step runs."""

    def __init__(self, jobs: Jobs, row: JobRow, now: Callable[[], float]) -> None:
        self.lost = False
        self._jobs = jobs
        self._row = row
        self._now = now
        self._done = 0.0

    def note(self, done: float) -> None:
        """How far the step is."""
        self._done = done

    async def keep(self, on_lost: Callable[[], object]) -> None:
        """Renew until cancelled, or until the row is somebody else's."""
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            try:
                found = await self._jobs.change(self._row.title_id, self._renewed)
            except CinedgeError as error:
                _log.warning("progress cannot be written", reason=error.detail)
                continue
            if found is None or not _is_ours(found, self._row):
                self.lost = True
                on_lost()
                return

    def _renewed(self, current: JobRow | None) -> JobRow | None:
        if current is None or not _is_ours(current, self._row):
            return None
        until = self._now() + LEASE_SECONDS
        return replace(current, progress=self._done, leased_until=until)
