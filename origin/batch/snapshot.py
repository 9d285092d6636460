"""Makes a snapshot: plan first, then day by day, then a look at everything, the manifest last.

The plan fixes the cut and holds the titles of the same moment. Each finished day leaves a note with
the digests of its files; a run that follows a crash goes on with the plan and believes a note only
if the files still have those digests. Days that did not change since the last snapshot are named
in the manifest where they lie. Rows that are erased while this runs may or may not be in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cdnkit.errors import BadRequestError, NotFoundError
from origin.batch import source
from origin.batch.destination import Destination
from origin.batch.manifest import (
    Day,
    Manifest,
    Plan,
    day_of,
    format_record,
    parse_day,
    snapshot_id,
)
from origin.batch.parquet import ACTIVITY, TITLES, write_parts
from origin.batch.shelf import (
    MANIFEST,
    PLAN,
    check_bytes,
    check_size,
    is_whole,
    newest_manifest,
    prune,
    read_whole,
    unfinished_plan,
)
from origin.catalog.database import Database

RESUMED_SECONDS: Final = 6 * 3600.0
"""An interrupted snapshot older than this is not gone on with: nobody wants its cut any more."""
_NOTE: Final = "_day.json"


@dataclass(frozen=True, slots=True)
class Made:
    """A snapshot, and how much of it was new."""

    manifest: Manifest
    days_written: int
    days_taken_over: int
    days_resumed: int


async def make_snapshot(
    database: Database, destination: Destination, now: Callable[[], float]
) -> Made:
    """A new snapshot of the log and the titles; older ones go.

    Raises UnavailableError, StorageFullError, DigestMismatchError.
    """
    previous = _previous(destination)
    plan = _resumable(destination, now()) or await _begin(database, destination, now)
    async with database.reading() as connection:
        found = await source.days(connection, plan.cut)
    days: list[Day] = []
    counts = {"written": 0, "taken over": 0, "resumed": 0}
    for each in found:
        day, how = await _take_day(database, destination, plan, each, previous)
        days.append(day)
        counts[how] += 1
    manifest = Manifest(plan.id, plan.cut, plan.made_at, tuple(days), plan.titles)
    await asyncio.to_thread(_verify, destination, manifest)
    destination.put(f"{plan.id}/{MANIFEST}", [format_record(manifest)])
    prune(destination)
    return Made(manifest, counts["written"], counts["taken over"], counts["resumed"])


async def _begin(database: Database, destination: Destination, now: Callable[[], float]) -> Plan:
    """Cut the log and save the titles of that moment: both are read in one transaction."""
    async with database.reading() as connection:
        cut = await source.newest_number(connection)
        made_at = now()
        name = snapshot_id(made_at, cut)
        pages = source.pages_of_titles(connection)
        titles = await write_parts(destination, f"{name}/titles", TITLES, pages)
    plan = Plan(name, cut, made_at, titles)
    destination.put(f"{name}/{PLAN}", [format_record(plan)])
    return plan


async def _take_day(
    database: Database,
    destination: Destination,
    plan: Plan,
    found: source.DayRows,
    previous: Manifest | None,
) -> tuple[Day, str]:
    name = day_of(found.start)
    before = previous.day(name) if previous is not None else None
    if before is not None and before.holds(found.rows, found.last):
        return before, "taken over"
    folder = f"{plan.id}/activity/day={name}"
    noted = _noted(destination, f"{folder}/{_NOTE}")
    still = noted is not None and noted.holds(found.rows, found.last)
    if noted is not None and still and is_whole(destination, noted.parts):
        return noted, "resumed"
    async with database.reading() as connection:
        pages = source.pages_of_day(connection, found.start, plan.cut)
        parts = await write_parts(destination, folder, ACTIVITY, pages)
    day = Day(name, sum(part.rows for part in parts), found.last, parts)
    destination.put(f"{folder}/{_NOTE}", [format_record(day)])
    return day, "written"


def _verify(destination: Destination, manifest: Manifest) -> None:
    """New files are read through; what was taken over was when it was new."""
    for part in manifest.parts():
        is_new = part.path.startswith(f"{manifest.id}/")
        (check_bytes if is_new else check_size)(destination, part)


def _previous(destination: Destination) -> Manifest | None:
    """The last snapshot, as far as its files are there."""
    try:
        manifest = newest_manifest(destination)
        for part in manifest.parts():
            check_size(destination, part)
    except (NotFoundError, BadRequestError):
        return None
    return manifest


def _resumable(destination: Destination, now: float) -> Plan | None:
    try:
        plan = unfinished_plan(destination)
    except BadRequestError:
        return None
    if plan is None or now - plan.made_at > RESUMED_SECONDS:
        return None
    return plan if is_whole(destination, plan.titles) else None


def _noted(destination: Destination, path: str) -> Day | None:
    try:
        return parse_day(read_whole(destination, path), path)
    except (NotFoundError, BadRequestError):
        return None
