"""A run is written piece by piece and shown at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from origin.batch.manifest import Manifest
from origin.batch.saving import LISTS_AT_A_TIME, Wish, save_run, show_run
from origin.catalog import recommended
from origin.catalog.database import Database
from origin.catalog.recommended import CONTROL, PROFILE, Item, TitleList

MANIFEST = Manifest("snapshot", 42, 7.0, (), ())


def lists(count: int, name: str = "p") -> Iterator[TitleList]:
    return (TitleList(PROFILE, f"{name}{n}", "a", (Item("t", 0.5, "r"),)) for n in range(count))


async def test_all_lists_are_there_before_anybody_is_shown_them(database: Database) -> None:
    count = 2 * LISTS_AT_A_TIME + 1
    run, saved = await save_run(database, MANIFEST, Wish(), lists(1, "q"), lists(count))
    assert (run, saved) == ("snapshot-control", count + 1)
    async with database.reading() as connection:
        assert await recommended.find_shown(connection, CONTROL, "p0", "") is None
    await show_run(database, run, CONTROL)
    for owner in ("q0", "p0", f"p{count - 1}"):
        async with database.reading() as connection:
            shown = await recommended.find_shown(connection, CONTROL, owner, "")
        assert shown is not None
        assert shown.own is not None
        assert shown.run.detail["lists"] == count + 1
        assert shown.run.detail["terms"]["items_max"] == Wish().terms.items_max


async def test_run_that_broke_off_is_not_shown_and_is_made_again(small: Database) -> None:
    def breaking() -> Iterator[TitleList]:
        yield from lists(LISTS_AT_A_TIME + 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await save_run(small, MANIFEST, Wish(), breaking())
    async with small.reading() as connection:
        (run,) = await recommended.list_runs(connection)
    assert not run.is_finished
    name, count = await save_run(small, MANIFEST, Wish(), lists(3))
    await show_run(small, name, CONTROL)
    async with small.reading() as connection:
        shown = await recommended.find_shown(connection, CONTROL, "p3", "")
    assert count == 3
    assert shown is not None
    assert shown.own is None
