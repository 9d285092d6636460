"""What a catalog that came back from a backup has to be told before anybody reads or follows it.

Followers of its journal may have seen more of its other life than the backup knows. The journal
therefore goes on far beyond any number counted so far, under another name, with an entry that says
what happened.
"""

from __future__ import annotations

import secrets
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.wire import ChangeKind
from origin.catalog import queries
from origin.catalog.tables import counters, uploads
from origin.ingest.session import ACTIVE, UploadState

_PER_SECOND: Final = 1000
"""Faster than any journal counts, so that a later restore begins higher than an earlier one."""


async def mark_restored(connection: AsyncConnection, now: float) -> int:
    """Begin another life at `now`, in seconds since 1970; the number of the entry that says so.

    Uploads that were not finished are forgotten: their bytes are in no backup.
    """
    unfinished = [*(state.value for state in ACTIVE), UploadState.JOINED.value]
    await connection.execute(sa.delete(uploads).where(uploads.c.state.in_(unfinished)))
    last = (await queries.load_counters(connection))[queries.JOURNAL]
    beyond = max(last, int(now * _PER_SECOND))
    await connection.execute(
        sa.update(counters).where(counters.c.name == queries.JOURNAL).values(value=beyond)
    )
    # A clock that was wrong may have taken the other life beyond this one's numbers.
    await queries.rename_journal(connection, secrets.randbits(63))
    return (await queries.record_order(connection, ChangeKind.RESTORED, now, {})).sequence
