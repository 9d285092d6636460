"""A snapshot is the log up to its cut and the titles of that moment, whatever happens meanwhile."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from pyarrow import parquet

from cdnkit.errors import UnavailableError
from origin.batch import shelf
from origin.batch.destination import Destination
from origin.batch.manifest import Manifest, Part
from origin.batch.snapshot import RESUMED_SECONDS, make_snapshot
from origin.catalog.database import Database
from origin.catalog.tables import titles
from tests.helpers.activity_log import (
    DAY_SECONDS,
    START,
    add_events,
    add_titles,
    event,
    forget_account,
    made_events,
    made_titles,
)
from tests.helpers.clock import FakeClock

EVENTS = made_events(90, profiles=9, title_count=20, days=4)


class Dying:
    """A place that takes a number of files and then is gone, as a killed job leaves it."""

    def __init__(self, place: Destination, files: int) -> None:
        self._place = place
        self._left = files
        self.written: list[str] = []

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        if not self._left:
            raise UnavailableError("killed")
        self._left -= 1
        self.written.append(path)
        self._place.put(path, chunks)

    def read(self, path: str) -> Iterator[bytes]:
        return self._place.read(path)

    def size_bytes(self, path: str) -> int | None:
        return self._place.size_bytes(path)

    def names(self, path: str) -> list[str]:
        return self._place.names(path)

    def remove(self, path: str) -> None:
        self._place.remove(path)

    def url(self, path: str) -> str:
        return self._place.url(path)


def rows_of(place: Destination, parts: Iterable[Part]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for part in parts:
        content = b"".join(place.read(part.path))
        found += parquet.read_table(io.BytesIO(content)).to_pylist()
    return found


def log_of(place: Destination, manifest: Manifest) -> list[dict[str, Any]]:
    rows = rows_of(place, manifest.activity_parts())
    return sorted(rows, key=lambda row: int(row["number"]))


def numbered(events: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"number": number, **each} for number, each in enumerate(events, 1)]


async def fill(database: Database) -> None:
    async with database.begin() as connection:
        await add_titles(connection, made_titles(20))
        await add_events(connection, EVENTS)


async def test_snapshot_holds_the_log_by_days_and_the_titles(
    database: Database, destination: Destination
) -> None:
    await fill(database)
    made = await make_snapshot(database, destination, FakeClock())
    manifest = shelf.newest_manifest(destination)
    assert made.manifest == manifest
    assert (manifest.cut, manifest.made_at) == (len(EVENTS), FakeClock()())
    assert log_of(destination, manifest) == numbered(EVENTS)
    assert [row["title"] for row in rows_of(destination, manifest.titles)] == [*made_titles(20)]
    for day in manifest.days:
        assert day.rows == sum(part.rows for part in day.parts)
        for part in day.parts:
            assert part.path.startswith(f"{manifest.id}/activity/day={day.day}/part-")
    assert shelf.is_whole(destination, manifest.parts())


async def test_empty_log_gives_an_empty_snapshot(small: Database, destination: Destination) -> None:
    made = await make_snapshot(small, destination, FakeClock())
    assert (made.manifest.cut, made.manifest.days) == (0, ())
    assert rows_of(destination, made.manifest.titles) == []


async def test_what_comes_after_the_cut_is_not_in_it(
    database: Database, destination: Destination
) -> None:
    await fill(database)
    # Killed once the plan and the titles are there; then more happens, and a title changes.
    with pytest.raises(UnavailableError, match="killed"):
        await make_snapshot(database, Dying(destination, 2), FakeClock())
    async with database.begin() as connection:
        await add_events(connection, [event("late", at=START), event("new", at=START + 9e6)])
        await connection.execute(sa.delete(titles).where(titles.c.id == "t0000"))
    made = await make_snapshot(database, destination, FakeClock())
    assert made.manifest.cut == len(EVENTS)
    assert log_of(destination, made.manifest) == numbered(EVENTS)
    assert rows_of(destination, made.manifest.titles)[0]["title"] == "t0000"


async def test_killed_after_any_file_nothing_is_there_and_the_rerun_ends_it(
    small: Database, destination: Destination
) -> None:
    await fill(small)
    clock = FakeClock()
    reference = await make_snapshot(small, Dying(destination, 10_000), clock)
    files = 3 + 2 * len(reference.manifest.days)
    destination.remove(reference.manifest.id)
    whole_days = 0
    for count in (0, 1, 3, 4, files - 1):
        killed = Dying(destination, count)
        with pytest.raises(UnavailableError, match="killed"):
            await make_snapshot(small, killed, clock)
        assert shelf.snapshot_ids(destination) == []
        again = Dying(destination, 10_000)
        made = await make_snapshot(small, again, clock)
        whole_days = sum(path.endswith("_day.json") for path in killed.written)
        assert made.days_resumed == whole_days
        assert made.manifest == reference.manifest
        # Finished parts are not written a second time.
        finished = {path for path in killed.written if path.endswith(".parquet")}
        assert len(finished & set(again.written)) <= 1
        destination.remove(made.manifest.id)
    assert whole_days == len(reference.manifest.days)


async def test_note_whose_file_was_damaged_is_not_believed(
    small: Database, destination: Destination
) -> None:
    await fill(small)
    clock = FakeClock()
    killed = Dying(destination, 6)
    with pytest.raises(UnavailableError):
        await make_snapshot(small, killed, clock)
    (first, *_) = [path for path in killed.written if "activity" in path]
    content = bytearray(shelf.read_whole(destination, first))
    content[len(content) // 2] ^= 1
    destination.put(first, [bytes(content)])
    made = await make_snapshot(small, destination, clock)
    assert made.days_resumed == 1
    assert log_of(destination, made.manifest) == numbered(EVENTS)


async def test_only_days_that_changed_are_written_again(
    database: Database, destination: Destination
) -> None:
    await fill(database)
    clock = FakeClock()
    first = await make_snapshot(database, destination, clock)
    clock.advance(60)
    last = EVENTS[-1]["at"]
    more = [event("today", at=last), event("late", at=START), event("next", at=last + DAY_SECONDS)]
    async with database.begin() as connection:
        await add_events(connection, more)
    second = await make_snapshot(database, destination, clock)
    assert second.days_taken_over == len(first.manifest.days) - 2
    assert second.days_written == 3
    assert log_of(destination, second.manifest) == numbered([*EVENTS, *more])
    clock.advance(60)
    third = await make_snapshot(database, destination, clock)
    assert (third.days_written, third.manifest.cut) == (0, second.manifest.cut)
    assert log_of(destination, third.manifest) == log_of(destination, second.manifest)


async def test_who_is_erased_is_in_no_file_two_snapshots_later(
    small: Database, destination: Destination
) -> None:
    await fill(small)
    clock = FakeClock()
    await make_snapshot(small, destination, clock)
    async with small.begin() as connection:
        await forget_account(connection, "a1")
    kept = [row for row in numbered(EVENTS) if row["account"] != "a1"]
    for _ in range(shelf.KEPT):
        clock.advance(60)
        made = await make_snapshot(small, destination, clock)
        assert log_of(destination, made.manifest) == kept
    everything = [path for path in walk(destination, "") if path.endswith(".parquet")]
    named = {part.path for part in made.manifest.parts()}
    for path in everything:
        if "/activity/" in path and path not in named:
            content = io.BytesIO(b"".join(destination.read(path)))
            assert "a1" not in parquet.read_table(content).column("account").to_pylist()


async def test_days_of_a_snapshot_that_lost_a_file_are_written_again(
    small: Database, destination: Destination
) -> None:
    await fill(small)
    clock = FakeClock()
    first = await make_snapshot(small, destination, clock)
    lost = next(first.manifest.activity_parts())
    destination.remove(lost.path)
    clock.advance(60)
    second = await make_snapshot(small, destination, clock)
    assert second.days_taken_over == 0
    assert log_of(destination, second.manifest) == numbered(EVENTS)


async def test_interrupted_snapshot_that_is_old_is_begun_anew(
    small: Database, destination: Destination
) -> None:
    await fill(small)
    clock = FakeClock()
    with pytest.raises(UnavailableError):
        await make_snapshot(small, Dying(destination, 6), clock)
    clock.advance(RESUMED_SECONDS + 1)
    made = await make_snapshot(small, destination, clock)
    assert (made.manifest.made_at, made.days_resumed) == (clock.now, 0)
    assert destination.names("") == [made.manifest.id]


def walk(place: Destination, folder: str) -> Iterator[str]:
    for name in place.names(folder):
        path = f"{folder}/{name}" if folder else name
        inside = place.names(path)
        if inside and inside != [name]:
            yield from walk(place, path)
        else:
            yield path
