"""Plays are found by time and by number, in the order they were told, without reading the rest."""

from __future__ import annotations

import sqlalchemy as sa

from origin.catalog.activity import Event, Kind, append, newest_number
from origin.catalog.database import Database
from origin.domains.trending import queries
from origin.domains.trending.rules import Play


def event(name: str, at: float, kind: Kind = Kind.PLAY) -> Event:
    return Event(name, kind, at, "anna", name, "film", "DE")


async def test_plays_come_in_the_order_they_were_told(database: Database) -> None:
    said = [event("a", 20.0), event("b", 10.0), event("h", 15.0, Kind.HEARTBEAT), event("c", 29.9)]
    async with database.begin() as connection:
        await append(connection, [*said, event("d", 30.0), event("e", 9.9)])
    async with database.reading() as connection:
        between = [each async for each in queries.plays_between(connection, 10.0, 30.0)]
        newest = await newest_number(connection)
        after = [each async for each in queries.plays_after(connection, 2, newest - 1)]
    assert between == [[Play(name, "film", "DE", at) for name, at in
                        (("a", 20.0), ("b", 10.0), ("c", 29.9))]]  # fmt: skip
    assert [play.profile for some in after for play in some] == ["c", "d"]


async def test_plays_are_found_by_an_index_of_theirs(database: Database) -> None:
    """Of a log of many events; a few rows any plan would read whole."""
    async with database.begin() as connection:
        for lot in range(5):
            some = [event(f"{lot}-{n}", float(n), Kind.HEARTBEAT) for n in range(1000)]
            await append(connection, [*some, event(f"play-{lot}", float(lot))])
        if database.dialect == "postgresql":
            await connection.execute(sa.text("ANALYZE activity"))
    seen: list[str] = []

    async with database.reading() as connection:
        explain = "EXPLAIN " if database.dialect == "postgresql" else "EXPLAIN QUERY PLAN "
        wanted = queries.between(0.0, 3.0).compile(
            dialect=connection.dialect, compile_kwargs={"literal_binds": True}
        )
        rows = await connection.execute(sa.text(explain + str(wanted)))
        seen = [" ".join(str(value) for value in row) for row in rows]
    assert any("ix_activity_plays" in line for line in seen), seen
