"""What was acknowledged has to be true: heartbeats in their rows, streams ended, plans as told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from origin.catalog.activity import Kind
from origin.catalog.database import Database
from origin.catalog.tables import activity
from origin.domains.history.queries import positions
from origin.domains.playback.queries import leases
from scripts.benchmark.audience.viewer import Memory, Viewer

_AT_ONCE: Final = 16

Rows = Mapping[tuple[str, str], tuple[int, float]]
"""Counter and position, by profile and title."""


def lost_heartbeats(profile: str, memory: Memory, rows: Rows) -> list[str]:
    """Acknowledged heartbeats that are neither in their row nor followed by a later one sent."""
    wrong = []
    for title, kept in memory.kept.items():
        row = rows.get((profile, title))
        later = row is not None and row[0] > kept[0] and (title, *row) in memory.sent
        if row != kept and not later:
            wrong.append(f"{profile} in {title}: {kept} was acknowledged, the row has {row}")
    return wrong


def unlogged_heartbeats(profile: str, memory: Memory, logged: int) -> list[str]:
    """A complaint when the log has fewer heartbeats of a profile than were acknowledged."""
    if logged >= memory.heartbeats:
        return []
    return [f"{profile}: {memory.heartbeats} heartbeats acknowledged, {logged} in the log"]


async def audit_rows(database: Database, memories: Mapping[str, Memory]) -> list[str]:
    """What the database has otherwise than profiles remember."""
    async with database.reading() as connection:
        columns = (positions.c.profile, positions.c.title_id, positions.c.counter)
        found = await connection.execute(sa.select(*columns, positions.c.position_seconds))
        rows = {(row[0], row[1]): (row[2], row[3]) for row in found}
        told = sa.select(activity.c.profile).where(activity.c.kind == Kind.HEARTBEAT)
        logged = Counter((await connection.execute(told)).scalars())
        left = set((await connection.execute(sa.select(leases.c.id))).scalars())
    wrong = []
    for profile, memory in memories.items():
        wrong += lost_heartbeats(profile, memory, rows)
        wrong += unlogged_heartbeats(profile, memory, logged[profile])
        wrong += [f"stream {id} was stopped and is there" for id in memory.stopped if id in left]
    return wrong


async def audit_places(viewers: Sequence[Viewer], title: str) -> list[str]:
    """After the leases' time: nobody counts as watching, and everybody may begin again."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def look(viewer: Viewer) -> list[str]:
        async with slots:
            return await _audit_place(viewer, title)

    found = await asyncio.gather(*(look(viewer) for viewer in viewers))
    return [each for some in found for each in some]


async def _audit_place(viewer: Viewer, title: str) -> list[str]:
    name, wrong = viewer.account.email, []
    watching = await viewer.ask("audit", "GET", "/v1/playback")
    if watching is None or watching["items"]:
        wrong.append(f"{name} still counts as watching: {watching}")
    playback = await viewer.ask("audit", "POST", "/v1/playback", {"title_id": title})
    if playback is None:
        wrong.append(f"{name} may not begin again")
    if viewer.memory.plan:
        subscription = await viewer.ask("audit", "GET", "/v1/subscription")
        if subscription is None or subscription["plan"] != viewer.memory.plan:
            wrong.append(f"{name} was given {viewer.memory.plan} and has {subscription}")
    return wrong
