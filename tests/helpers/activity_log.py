"""The activity log of tests: events of made-up evenings, and the titles they are about.

Everything follows from a seed, so that two processes see the same.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.tables import titles

START = 1_790_000_000.0
"""2026-09-21, some hours into the day."""
DAY_SECONDS = 86_400.0

_COLUMNS = (
    *("event", "kind", "at", "account", "profile", "title", "region"),
    *("position_seconds", "watched_seconds", "value", "words"),
)
_LOG = sa.table("activity", *(sa.column(name) for name in ("number", *_COLUMNS)))

Event = Mapping[str, Any]


def event(name: str, **said: Any) -> Event:
    """One event; what is not said is that of a heartbeat at the start."""
    plain: dict[str, Any] = {
        **{"event": name, "kind": "heartbeat", "at": START, "account": "a", "profile": "p"},
        **{"title": "t", "region": "", "position_seconds": 0.0, "watched_seconds": 0.0},
        **{"value": 0.0, "words": ""},
    }
    return {**plain, **said}


async def add_events(connection: AsyncConnection, events: Sequence[Event]) -> None:
    """Write them, in this order."""
    if events:
        await connection.execute(sa.insert(_LOG), list(events))


async def forget_account(connection: AsyncConnection, account: str) -> None:
    """Erase all events of an account, as its owner may ask."""
    await connection.execute(sa.delete(_LOG).where(_LOG.c.account == account))


async def add_titles(connection: AsyncConnection, bodies: Mapping[str, Mapping[str, Any]]) -> None:
    """Save titles as they are."""
    rows = [
        {"id": name, "body": json.dumps(body), "version": 1, "updated_at": START, "etag": '"1"'}
        for name, body in bodies.items()
    ]
    await connection.execute(sa.insert(titles), rows)


def made_titles(count: int) -> dict[str, dict[str, Any]]:
    """Films of a hundred minutes in five genres."""
    genres = ("Drama", "Comedy", "Crime", "Western", "Horror")
    return {
        f"t{n:04}": {
            **{"title": f"Film {n}", "year": 1950 + n % 70, "genres": [genres[n % 5]]},
            **{"age": (0, 6, 12, 16, 18)[n % 5], "duration_seconds": 6000},
        }
        for n in range(count)
    }


def made_events(
    count: int, *, profiles: int, title_count: int, days: int = 21, seed: int = 1
) -> list[Event]:
    """Events of some days: each profile likes one genre in two evenings of three."""
    chance = random.Random(seed)
    events = []
    for number in range(count):
        profile = chance.randrange(profiles)
        genre = profile % 5 if chance.random() < 0.67 else chance.randrange(5)
        film = min(int(chance.paretovariate(0.6)) - 1, title_count // 5 - 1) * 5 + genre
        kind = chance.choice(("play", "heartbeat", "heartbeat", "heartbeat", "rate", "list"))
        events.append(
            event(
                f"e{seed}-{number}",
                kind=kind,
                at=START + number * days * DAY_SECONDS / count,
                account=f"a{profile // 3}",
                profile=f"p{profile}",
                title=f"t{film:04}",
                region=("DE", "FR", "")[profile % 3],
                watched_seconds=float(chance.randrange(600, 6000)) if kind == "heartbeat" else 0.0,
                value=chance.choice((1.0, 3.5, 4.0, 5.0)) if kind == "rate" else 1.0,
            )
        )
    return events
