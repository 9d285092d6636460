"""Licences on both databases: kept whole, found by title, paged by id."""

from __future__ import annotations

from dataclasses import replace

from origin.catalog.database import Database
from origin.domains.licences import queries
from origin.domains.licences.rules import Licence

FULL = Licence("b", "film", ("DE",), 1.5, 2.5, ("basic", "gold"), 720, True, True)


async def test_licence_is_kept_as_it_was_given_and_replaced_whole(database: Database) -> None:
    async with database.begin() as connection:
        await queries.save(connection, FULL)
        assert await queries.find(connection, "b") == FULL
        changed = replace(FULL, ends_at=None, plans=())
        await queries.save(connection, changed)
        assert await queries.find(connection, "b") == changed
        assert await queries.find(connection, "nothing") is None
        assert await queries.remove(connection, "b")
        assert not await queries.remove(connection, "b")


async def test_licences_are_found_by_title_and_in_pages(database: Database) -> None:
    async with database.begin() as connection:
        for name, title in (("a", "film"), ("c", "film"), ("b", "other")):
            await queries.save(connection, Licence(name, title))
        of_film = await queries.find_of_title(connection, "film")
        assert [each.id for each in of_film] == ["a", "c"]
        assert [each.id for each in await queries.page(connection, "", "a", 1)] == ["b"]
        assert [each.id for each in await queries.page(connection, "film", "a", 9)] == ["c"]
