"""Deliveries as rows: made once per event, channel and device, held by one process at a time.

Who holds a row has it until `next_at`, by a name of its own for each hold: a process that comes
back after its time finds that the row is somebody else's. Bringing is `notifier`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.outbox import Posted
from origin.domains.notifications import queries
from origin.domains.notifications.kinds import KINDS, Channel
from origin.domains.notifications.rules import Following, State, wanted_channels
from origin.domains.notifications.tables import deliveries


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to one address or device; `target` is the device's id."""

    event_key: str
    channel: Channel
    target: str
    account: str
    kind: str
    payload: Mapping[str, Any]
    at: float
    attempts: int

    @property
    def lapses_at(self) -> float:
        """When it is too late for it."""
        return self.at + KINDS[self.kind].lapses_seconds


_COLUMNS = tuple(deliveries.c[name] for name in Delivery.__dataclass_fields__)
_KEY = ("event_key", "channel", "target")


async def spread(
    connection: AsyncConnection, posted: Posted, offered: frozenset[Channel], now: float
) -> None:
    """Make of an event its message in the inbox and its deliveries, by the channels offered."""
    event = posted.event
    wishes = await queries.wishes_of(connection, event.account)
    channels = wanted_channels(event.kind, wishes) & offered
    if Channel.INBOX in channels:
        await queries.add_to_inbox(connection, event, posted.at)
    targets = [(Channel.MAIL, "")] if Channel.MAIL in channels else []
    if Channel.PUSH in channels:
        found = await queries.devices_of(connection, event.account)
        targets += [(Channel.PUSH, device.id) for device in found]
    for channel, target in targets:
        row = queries.insert_into(connection, deliveries).values(
            event_key=event.key,
            channel=channel,
            target=target,
            account=event.account,
            kind=event.kind,
            payload=dict(event.payload),
            at=posted.at,
            state=State.WAITING,
            attempts=0,
            next_at=now,
            leased_by="",
            reason="",
        )
        await connection.execute(row.on_conflict_do_nothing(index_elements=list(_KEY)))


async def any_due(connection: AsyncConnection, now: float) -> bool:
    """Whether there is something to hold: cheaper to ask than to lock for nothing."""
    statement = sa.select(deliveries.c.event_key).where(_is_due(now)).limit(1)
    return (await connection.execute(statement)).first() is not None


async def hold(
    connection: AsyncConnection, holder: str, now: float, until: float, limit: int
) -> Sequence[Delivery]:
    """Take up deliveries whose time has come, the longest waiting first, until a time."""
    due = (
        sa.select(*_COLUMNS)
        .where(_is_due(now))
        .order_by(deliveries.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    held = [_read(row) for row in await connection.execute(due)]
    for each in held:
        taken = sa.update(deliveries).where(_is(each)).values(leased_by=holder, next_at=until)
        await connection.execute(taken)
    return held


async def settle(
    connection: AsyncConnection, delivery: Delivery, holder: str, following: Following
) -> bool:
    """Write down how an attempt ended; False when the row is no longer this holder's.

    What is over keeps no payload: it may hold a link that opens an account.
    """
    is_over = following.state is not State.WAITING
    done = await connection.execute(
        sa.update(deliveries)
        .where(_is(delivery), deliveries.c.leased_by == holder)
        .values(
            state=following.state,
            next_at=following.next_at,
            reason=following.reason,
            attempts=delivery.attempts + 1,
            leased_by="",
            payload={} if is_over else dict(delivery.payload),
        )
    )
    return bool(done.rowcount)


async def states_of(connection: AsyncConnection, event_key: str) -> Sequence[tuple[str, State]]:
    """Channel and state of each delivery of an event."""
    statement = sa.select(deliveries.c.channel, deliveries.c.state).where(
        deliveries.c.event_key == event_key
    )
    rows = await connection.execute(statement.order_by(deliveries.c.channel, deliveries.c.target))
    return [(row.channel, State(row.state)) for row in rows]


def _is_due(now: float) -> sa.ColumnElement[bool]:
    return sa.and_(deliveries.c.state == State.WAITING, deliveries.c.next_at <= now)


def _is(delivery: Delivery) -> sa.ColumnElement[bool]:
    return sa.and_(*(deliveries.c[name] == getattr(delivery, name) for name in _KEY))


def _read(row: sa.Row[Any]) -> Delivery:
    values = {**row._mapping, "channel": Channel(row.channel)}
    return Delivery(**values)
