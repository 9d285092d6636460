"""A run is written piece by piece and shown at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cdnkit.errors import ConflictError
from origin.batch.manifest import Manifest
from origin.batch.saving import LISTS_AT_A_TIME, Wish, finish_run, show_run, write_run
from origin.catalog import claims, recommended
from origin.catalog.claims import Claim
from origin.catalog.database import Database
from origin.catalog.recommended import CONTROL, PROFILE, Item, TitleList

MANIFEST = Manifest("snapshot", 42, 7.0, (), ())


def lists(count: int, name: str = "p") -> Iterator[TitleList]:
    return (TitleList(PROFILE, f"{name}{n}", "a", (Item("t", 0.5, "r"),)) for n in range(count))


async def held(database: Database) -> Claim:
    claim = Claim("the batch job", "token", "vm", 7, "", 1.0, 2.0)
    async with database.begin() as connection:
        assert await claims.take(connection, claim, None)
    return claim


async def test_all_lists_are_there_before_anybody_is_shown_them(database: Database) -> None:
    count = 2 * LISTS_AT_A_TIME + 1
    claim = await held(database)
    run, saved = await write_run(database, MANIFEST, Wish(), claim, lists(1, "q"), lists(count))
    assert (run, saved) == ("snapshot-control", count + 1)
    async with database.reading() as connection:
        assert await recommended.find_shown(connection, CONTROL, "p0", "") is None
    with pytest.raises(ConflictError, match="not finished"):
        await show_run(database, run, CONTROL, claim, 5.0)
    await finish_run(database, run, claim, {"lists": saved})
    await show_run(database, run, CONTROL, claim, 5.0)
    for owner in ("q0", "p0", f"p{count - 1}"):
        async with database.reading() as connection:
            shown = await recommended.find_shown(connection, CONTROL, owner, "")
        assert shown is not None
        assert shown.own is not None
        assert shown.run.detail["lists"] == count + 1
        assert shown.run.detail["terms"]["items_max"] == Wish().terms.items_max
    async with database.reading() as connection:
        (promotion,) = await recommended.promotions(connection)
    assert (promotion.at, promotion.made_by) == (5.0, "job 7 on vm")


async def test_run_that_broke_off_is_not_shown_and_is_made_again(small: Database) -> None:
    def breaking() -> Iterator[TitleList]:
        yield from lists(LISTS_AT_A_TIME + 1)
        raise ZeroDivisionError

    claim = await held(small)
    with pytest.raises(ZeroDivisionError):
        await write_run(small, MANIFEST, Wish(), claim, breaking())
    async with small.reading() as connection:
        (run,) = await recommended.list_runs(connection)
    assert not run.is_finished
    name, count = await write_run(small, MANIFEST, Wish(), claim, lists(3))
    await finish_run(small, name, claim, {})
    await show_run(small, name, CONTROL, claim, 5.0)
    async with small.reading() as connection:
        shown = await recommended.find_shown(connection, CONTROL, "p3", "")
    assert count == 3
    assert shown is not None
    assert shown.own is None


async def test_who_lost_the_claim_writes_finishes_and_shows_nothing(small: Database) -> None:
    claim = await held(small)
    run, _ = await write_run(small, MANIFEST, Wish(), claim, lists(1))
    lost = replace(claim, token="other")
    with pytest.raises(ConflictError, match="away for too long: it is held by process 7 on vm"):
        await write_run(small, MANIFEST, Wish(label="trial"), lost, lists(1))
    with pytest.raises(ConflictError, match="away for too long"):
        await finish_run(small, run, lost, {})
    await finish_run(small, run, claim, {})
    with pytest.raises(ConflictError, match="away for too long"):
        await show_run(small, run, CONTROL, lost, 5.0)
    async with small.reading() as connection:
        assert [each.id for each in await recommended.list_runs(connection)] == [run]
        assert await recommended.promoted(connection) == {}
