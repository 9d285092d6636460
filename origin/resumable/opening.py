"""Puts the upload resource of one origin together, and starts and stops it.

A store that takes no parts has none; whole objects go in by PUT all the same.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from cdnkit.service.lasting import end_tasks, start_lasting
from origin.catalog.catalog import Catalog
from origin.catalog.uploads import UploadRows
from origin.resumable.finish import Finisher
from origin.resumable.intake import Intake
from origin.resumable.rules import Rules
from origin.resumable.sweep import sweep_uploads
from origin.store.base import ByteStore
from origin.store.resumable import parts_of


@asynccontextmanager
async def open_intake(
    catalog: Catalog,
    store: ByteStore,
    rules: Rules,
    now: Callable[[], float],
    report: Callable[[str], None],
) -> AsyncIterator[Intake | None]:
    """The uploads of an origin while it runs; None when its store takes no parts.

    Raises UnavailableError.
    """
    parts = parts_of(store)
    if parts is None:
        yield None
        return
    extent_bytes = min(rules.extent_bytes, parts.extent_bytes_max)
    rules = dataclasses.replace(rules, extent_bytes=extent_bytes)
    rows = UploadRows(catalog.database)
    finisher = Finisher(
        catalog, store, parts, rows, lifetime=lambda: now() + rules.lifetime_seconds
    )
    intake = Intake(rows, parts, finisher, rules, now=now, make_id=new_upload_id)
    await intake.start()
    sweeping = start_lasting("uploads", partial(sweep_uploads, intake, report))
    try:
        yield intake
    finally:
        await end_tasks(sweeping)
        await intake.close()
        await rows.close()


def new_upload_id() -> str:
    """The name of an upload, not guessable."""
    return secrets.token_urlsafe(16)
