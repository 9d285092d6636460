"""Lists into rows: written under the id of their run, shown by one last transaction.

Each transaction is one of the holder of the claim, so that a job that lost it leaves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from origin.batch.generator.terms import Terms, format_terms
from origin.batch.manifest import Manifest
from origin.catalog import claims, recommended
from origin.catalog.claims import Claim
from origin.catalog.database import Database
from origin.catalog.recommended import TitleList

LISTS_AT_A_TIME: Final = 500
"""In one transaction: heartbeats of viewers wait as long as it takes."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a run besides its inputs."""

    terms: Terms = Terms()  # noqa: RUF009 - frozen
    label: str = recommended.CONTROL
    is_judged: bool = True
    """Whether the quality of the lists is worked out, which takes as long as they do."""


async def write_run(
    database: Database, manifest: Manifest, wish: Wish, claim: Claim, *lists: Iterator[TitleList]
) -> tuple[str, int]:
    """Write a run that is not finished: its id, and how many lists.

    Raises UnavailableError, ConflictError.
    """
    run = f"{manifest.id}-{wish.label}"
    detail: dict[str, Any] = {"cut": manifest.cut, "terms": format_terms(wish.terms)}
    async with database.begin() as connection:
        await claims.require(connection, claim)
        await recommended.begin_run(connection, run, manifest.made_at, detail)
    count = 0
    waiting = chain(*lists)
    # In a thread, because the first of them wait for the engine.
    while some := await asyncio.to_thread(list, islice(waiting, LISTS_AT_A_TIME)):
        # Not lasting each by itself: the transaction that finishes the run is.
        async with database.begin(is_lasting=False) as connection:
            await claims.require(connection, claim)
            await recommended.save_lists(connection, run, some)
        count += len(some)
    return run, count


async def finish_run(database: Database, run: str, claim: Claim, facts: Mapping[str, Any]) -> None:
    """All lists are there, and this is known of the run besides what it was begun with.

    Raises UnavailableError, ConflictError.
    """
    async with database.begin() as connection:
        await claims.require(connection, claim)
        begun = await recommended.find_run(connection, run)
        known = begun.detail if begun is not None else {}
        await recommended.finish_run(connection, run, {**known, **facts})


async def show_run(database: Database, run: str, label: str, claim: Claim, now: float) -> None:
    """Show a run to everybody of a label; old runs go.

    Raises UnavailableError, NotFoundError, ConflictError.
    """
    made_by = f"job {claim.process} on {claim.host}"
    async with database.begin() as connection:
        await claims.require(connection, claim)
        await recommended.promote(connection, run, label, made_by=made_by, at=now)
        await recommended.forget_runs(connection)
