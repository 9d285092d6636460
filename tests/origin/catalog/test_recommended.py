"""Runs appear and vanish as a whole; what is shown changes in one moment, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import ConflictError, NotFoundError
from origin.catalog import recommended
from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.recommended import (
    CONTROL,
    PROFILE,
    REGION,
    RUNS_KEPT,
    TRIAL,
    Item,
    Promotion,
    TitleList,
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(parse_database_url(database_url, Path()))
    yield opened
    await opened.close()


def own(profile: str, *titles: str, account: str = "a") -> TitleList:
    items = tuple(Item(title, 0.5, "because") for title in titles)
    return TitleList(PROFILE, profile, account, items)


def regional(region: str, *titles: str) -> TitleList:
    return TitleList(REGION, region, "", tuple(Item(title) for title in titles))


async def make(connection: AsyncConnection, run: str, at: float, *lists: TitleList) -> None:
    await recommended.begin_run(connection, run, at, {"cut": 1})
    await recommended.save_lists(connection, run, lists)
    await recommended.finish_run(connection, run, {"cut": 1, "lists": len(lists)})


async def show(connection: AsyncConnection, run: str, label: str) -> None:
    await recommended.promote(connection, run, label, made_by="ada", at=8.0)


async def titles_shown(
    database: Database, profile: str = "p", region: str = "", label: str = CONTROL
) -> tuple[str, list[str], list[str]]:
    async with database.reading() as connection:
        shown = await recommended.find_shown(connection, label, profile, region)
    if shown is None:
        return "", [], []
    lists = [each.items if each is not None else () for each in (shown.own, shown.regional)]
    mine, theirs = ([item.title for item in items] for items in lists)
    return shown.run.id, mine, theirs


async def test_run_is_shown_once_it_is_promoted(database: Database) -> None:
    assert await titles_shown(database) == ("", [], [])
    async with database.begin() as connection:
        await make(connection, "one", 1.0, own("p", "x", "y"), regional("", "z"))
    assert await titles_shown(database) == ("", [], [])
    async with database.begin() as connection:
        await show(connection, "one", CONTROL)
    assert await titles_shown(database) == ("one", ["x", "y"], ["z"])
    assert await titles_shown(database, "stranger") == ("one", [], ["z"])


async def test_going_back_is_promoting_another(database: Database) -> None:
    async with database.begin() as connection:
        await make(connection, "one", 1.0, own("p", "old"))
        await make(connection, "two", 2.0, own("p", "new"))
        await show(connection, "two", CONTROL)
    assert await titles_shown(database) == ("two", ["new"], [])
    async with database.begin() as connection:
        await show(connection, "one", CONTROL)
    assert await titles_shown(database) == ("one", ["old"], [])


async def test_label_without_a_run_shows_what_everybody_sees(database: Database) -> None:
    async with database.begin() as connection:
        await make(connection, "one", 1.0, own("p", "usual"))
        await make(connection, "two", 2.0, own("p", "tried"))
        await show(connection, "one", CONTROL)
    assert await titles_shown(database, label=TRIAL) == ("one", ["usual"], [])
    async with database.begin() as connection:
        await show(connection, "two", TRIAL)
    assert await titles_shown(database, label=TRIAL) == ("two", ["tried"], [])
    assert await titles_shown(database) == ("one", ["usual"], [])
    async with database.begin() as connection:
        await recommended.withdraw(connection, TRIAL, made_by="ada", at=9.0)
    assert await titles_shown(database, label=TRIAL) == ("one", ["usual"], [])


async def test_region_without_a_list_shows_what_is_popular_everywhere(database: Database) -> None:
    async with database.begin() as connection:
        await make(connection, "one", 1.0, regional("", "all"), regional("DE", "de"))
        await show(connection, "one", CONTROL)
    for region, expected in (("DE", ["de"]), ("FR", ["all"]), ("", ["all"])):
        assert await titles_shown(database, region=region) == ("one", [], expected)


async def test_unfinished_and_unknown_runs_are_not_promoted(database: Database) -> None:
    async with database.begin() as connection:
        await recommended.begin_run(connection, "half", 1.0, {})
        with pytest.raises(ConflictError, match="half is not finished"):
            await show(connection, "half", CONTROL)
        with pytest.raises(NotFoundError, match="no run none"):
            await show(connection, "none", CONTROL)


async def test_run_that_was_half_written_is_begun_anew(database: Database) -> None:
    async with database.begin() as connection:
        await recommended.begin_run(connection, "one", 1.0, {})
        await recommended.save_lists(connection, "one", [own("p", "half"), own("q", "half")])
    async with database.begin() as connection:
        await make(connection, "one", 1.0, own("p", "whole"))
        await show(connection, "one", CONTROL)
        with pytest.raises(ConflictError, match="finished already"):
            await recommended.begin_run(connection, "one", 1.0, {})
    assert await titles_shown(database) == ("one", ["whole"], [])
    assert await titles_shown(database, "q") == ("one", [], [])


async def test_old_and_dead_runs_go_but_what_is_shown_stays(database: Database) -> None:
    async with database.begin() as connection:
        for number in range(RUNS_KEPT + 2):
            await make(connection, f"run-{number}", float(number), own("p", "x"))
        await recommended.begin_run(connection, "dead", 99.0, {})
        await show(connection, "run-0", CONTROL)
        assert sorted(await recommended.forget_runs(connection)) == ["dead", "run-1"]
        left = [run.id for run in await recommended.list_runs(connection)]
        assert left == [f"run-{number}" for number in (4, 3, 2, 0)]
        assert await recommended.promoted(connection) == {CONTROL: "run-0"}
    assert await titles_shown(database) == ("run-0", ["x"], [])


async def test_account_is_exported_and_erased_whole(database: Database) -> None:
    async with database.begin() as connection:
        lists = [own("p", "x"), own("q", "y"), own("r", "z", account="b"), regional("", "w")]
        await make(connection, "one", 1.0, *lists)
        await show(connection, "one", CONTROL)
        exported = await recommended.export(connection, "a")
        assert [row["owner"] for row in exported] == ["p", "q"]
        await recommended.erase_profile(connection, "q")
        exported = await recommended.export(connection, "a")
        assert [row["owner"] for row in exported] == ["p"]
        await recommended.erase(connection, "a")
        assert await recommended.export(connection, "a") == []
    assert await titles_shown(database, "p") == ("one", [], ["w"])
    assert await titles_shown(database, "r") == ("one", ["z"], ["w"])


async def test_who_showed_what_is_kept_the_newest_first(database: Database) -> None:
    async with database.begin() as connection:
        await make(connection, "one", 1.0)
        await make(connection, "two", 2.0)
        await show(connection, "one", TRIAL)
        await show(connection, "two", TRIAL)
        await recommended.withdraw(connection, TRIAL, made_by="bob", at=9.0)
        found = await recommended.promotions(connection)
        assert found == [
            Promotion(9.0, TRIAL, "", "two", "bob"),
            Promotion(8.0, TRIAL, "two", "one", "ada"),
            Promotion(8.0, TRIAL, "one", "", "ada"),
        ]
        for _ in range(recommended.PROMOTIONS_KEPT):
            await show(connection, "one", CONTROL)
        kept = await recommended.promotions(connection, 2 * recommended.PROMOTIONS_KEPT)
    assert len(kept) == recommended.PROMOTIONS_KEPT
    assert {each.label for each in kept} == {CONTROL}
