"""Whether the lists that Spark made over HDFS are those that the embedded engine makes.

The same snapshot is evaluated once more by DuckDB, in this process, and compared with the rows of
the run, list by list: titles, scores and reasons.
"""

from __future__ import annotations

from collections.abc import Iterator

from origin.batch.destination import Destination
from origin.batch.engines import DuckDb
from origin.batch.generate import recommend
from origin.batch.generator.terms import Terms
from origin.batch.inputs import opened_inputs
from origin.batch.lists import profile_lists, region_lists
from origin.batch.shelf import newest_manifest
from origin.catalog import recommended
from origin.catalog.database import Database
from origin.catalog.recommended import TitleList


async def differing_owners(
    database: Database, destination: Destination, run: str
) -> tuple[int, list[str]]:
    """How many lists were compared, and whose are not the same, as `kind owner`.

    Raises CinedgeError.
    """
    async with database.reading() as connection:
        found = await recommended.lists_of(connection, run)
    saved = {(each.kind, each.owner): each for each in found}
    made = {(each.kind, each.owner): each for each in _made_by_duckdb(destination)}
    keys = saved.keys() | made.keys()
    differing = sorted(key for key in keys if saved.get(key) != made.get(key))
    return len(keys), [f"{kind} {owner}" for kind, owner in differing]


def _made_by_duckdb(destination: Destination) -> Iterator[TitleList]:
    manifest = newest_manifest(destination)
    engine = DuckDb()
    try:
        with opened_inputs(destination, manifest, engine.schemes) as inputs:
            activity = engine.table("activity", inputs.activity)
            titles = engine.table("titles", inputs.titles)
            lists = recommend(engine, activity, titles, manifest.made_at, Terms())
            yield from region_lists(engine.batches(lists.popular))
            yield from profile_lists(engine.batches(lists.recommendations))
    finally:
        engine.close()
