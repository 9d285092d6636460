"""Lists into rows: written under the id of their run, shown by one last transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from origin.batch.generator.terms import Terms, format_terms
from origin.batch.manifest import Manifest
from origin.catalog import recommended
from origin.catalog.database import Database
from origin.catalog.recommended import TitleList

LISTS_AT_A_TIME: Final = 500
"""In one transaction: heartbeats of viewers wait as long as it takes."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a run besides its inputs."""

    terms: Terms = Terms()  # noqa: RUF009 - frozen
    label: str = recommended.CONTROL


async def save_run(
    database: Database, manifest: Manifest, wish: Wish, *lists: Iterator[TitleList]
) -> tuple[str, int]:
    """Write a run that nobody is shown yet: its id, and how many lists. Raises UnavailableError."""
    run = f"{manifest.id}-{wish.label}"
    detail: dict[str, Any] = {"cut": manifest.cut, "terms": format_terms(wish.terms)}
    async with database.begin() as connection:
        await recommended.begin_run(connection, run, manifest.made_at, detail)
    count = 0
    waiting = chain(*lists)
    while some := list(islice(waiting, LISTS_AT_A_TIME)):
        # Not lasting each by itself: the transaction that finishes the run is.
        async with database.begin(is_lasting=False) as connection:
            await recommended.save_lists(connection, run, some)
        count += len(some)
    async with database.begin() as connection:
        await recommended.finish_run(connection, run, {**detail, "lists": count})
    return run, count


async def show_run(database: Database, run: str, label: str) -> None:
    """Show a run to everybody of a label; old runs go.

    Raises UnavailableError, NotFoundError, ConflictError.
    """
    async with database.begin() as connection:
        await recommended.promote(connection, run, label)
        await recommended.forget_runs(connection)
