"""Rows of inbox, preferences and devices: SQL in, records out, on the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.outbox import Event
from origin.catalog.tables import counters
from origin.domains.notifications.kinds import Channel
from origin.domains.notifications.tables import (
    deliveries,
    devices,
    inbox,
    preferences,
    unsubscribing,
)

_COUNTER: Final = "notification_inbox"


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One message of an inbox; numbers become visible in their order."""

    number: int
    account: str
    kind: str
    payload: Mapping[str, Any]
    at: float
    read_at: float | None


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that takes pushes (W3C Push API): where, and for whose eyes."""

    id: str
    account: str
    endpoint: str
    p256dh: str
    auth: str


_INBOX = tuple(inbox.c[name] for name in InboxRow.__dataclass_fields__)
_DEVICE = tuple(devices.c[name] for name in Device.__dataclass_fields__)


def insert_into(connection: AsyncConnection, table: sa.Table) -> Any:
    """INSERT that knows ON CONFLICT, of whichever database this is."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table)


async def add_to_inbox(connection: AsyncConnection, event: Event, at: float) -> None:
    """Put an event into its account's inbox, once.

    The counter's row is locked until the commit, so that nobody sees a number before a smaller one.
    """
    counting = (
        insert_into(connection, counters)
        .values(name=_COUNTER, value=1)
        .on_conflict_do_update(index_elements=["name"], set_={"value": counters.c.value + 1})
        .returning(counters.c.value)
    )
    number = int((await connection.execute(counting)).scalar_one())
    row = insert_into(connection, inbox).values(
        number=number,
        event_key=event.key,
        account=event.account,
        profile=event.profile,
        kind=event.kind,
        payload=dict(event.payload),
        at=at,
    )
    await connection.execute(row.on_conflict_do_nothing(index_elements=["event_key"]))


async def inbox_before(
    connection: AsyncConnection, account: str, before: int, limit: int
) -> Sequence[InboxRow]:
    """Messages with smaller numbers than `before`, newest first."""
    statement = sa.select(*_INBOX).where(inbox.c.account == account, inbox.c.number < before)
    rows = await connection.execute(statement.order_by(inbox.c.number.desc()).limit(limit))
    return [InboxRow(*row) for row in rows]


async def inbox_after(
    connection: AsyncConnection, account: str, after: int, limit: int
) -> Sequence[InboxRow]:
    """Messages with greater numbers than `after`, oldest first."""
    statement = sa.select(*_INBOX).where(inbox.c.account == account, inbox.c.number > after)
    rows = await connection.execute(statement.order_by(inbox.c.number).limit(limit))
    return [InboxRow(*row) for row in rows]


async def count_unread(connection: AsyncConnection, account: str) -> int:
    """How many messages nobody has read yet."""
    statement = sa.select(sa.func.count()).where(
        inbox.c.account == account, inbox.c.read_at.is_(None)
    )
    return int((await connection.execute(statement)).scalar_one())


async def last_number(connection: AsyncConnection) -> int:
    """The newest number that any inbox has."""
    statement = sa.select(counters.c.value).where(counters.c.name == _COUNTER)
    return int((await connection.execute(statement)).scalar_one_or_none() or 0)


async def accounts_after(connection: AsyncConnection, number: int) -> Sequence[str]:
    """Whose inboxes got something after a number."""
    statement = sa.select(inbox.c.account).distinct().where(inbox.c.number > number)
    return list((await connection.execute(statement)).scalars())


async def mark_read(connection: AsyncConnection, account: str, number: int, now: float) -> bool:
    """Whether there is such a message; one that was read keeps its time."""
    is_own = sa.and_(inbox.c.account == account, inbox.c.number == number)
    done = await connection.execute(
        sa.update(inbox).where(is_own).values(read_at=sa.func.coalesce(inbox.c.read_at, now))
    )
    return bool(done.rowcount)


async def wishes_of(
    connection: AsyncConnection, account: str
) -> Mapping[tuple[str, Channel], bool]:
    """What an account said of kinds and channels."""
    statement = sa.select(preferences).where(preferences.c.account == account)
    rows = await connection.execute(statement)
    return {(row.kind, Channel(row.channel)): row.wanted for row in rows}


async def wish(
    connection: AsyncConnection, account: str, kind: str, channel: Channel, *, wanted: bool
) -> None:
    """Keep what an account says of a kind and a channel."""
    row = insert_into(connection, preferences).values(
        account=account, kind=kind, channel=channel, wanted=wanted
    )
    keys = ["account", "kind", "channel"]
    await connection.execute(
        row.on_conflict_do_update(index_elements=keys, set_={"wanted": wanted})
    )


async def unsubscribe_token(connection: AsyncConnection, account: str, fresh: str) -> str:
    """The token by which mails of an account can be turned off without a login."""
    row = insert_into(connection, unsubscribing).values(account=account, token=fresh)
    await connection.execute(row.on_conflict_do_nothing(index_elements=["account"]))
    statement = sa.select(unsubscribing.c.token).where(unsubscribing.c.account == account)
    return str((await connection.execute(statement)).scalar_one())


async def account_of_token(connection: AsyncConnection, token: str) -> str | None:
    """Whose unsubscribing token this is."""
    statement = sa.select(unsubscribing.c.account).where(unsubscribing.c.token == token)
    found = (await connection.execute(statement)).scalar_one_or_none()
    return None if found is None else str(found)


async def devices_of(connection: AsyncConnection, account: str) -> Sequence[Device]:
    """The devices of an account that take pushes."""
    statement = sa.select(*_DEVICE).where(devices.c.account == account).order_by(devices.c.id)
    return [Device(*row) for row in await connection.execute(statement)]


async def find_device(connection: AsyncConnection, id: str) -> Device | None:
    """One device."""
    row = (await connection.execute(sa.select(*_DEVICE).where(devices.c.id == id))).one_or_none()
    return None if row is None else Device(*row)


async def add_device(connection: AsyncConnection, device: Device, now: float) -> str:
    """Keep a device; its id. An endpoint belongs to who named it last, its browser's new user."""
    values = {name: getattr(device, name) for name in Device.__dataclass_fields__}
    rest = {name: values[name] for name in ("account", "p256dh", "auth")}
    row = insert_into(connection, devices).values(**values, created_at=now)
    kept = row.on_conflict_do_update(index_elements=["endpoint"], set_=rest)
    return str((await connection.execute(kept.returning(devices.c.id))).scalar_one())


async def remove_device(connection: AsyncConnection, id: str, account: str) -> bool:
    """Whether the account had such a device."""
    done = await connection.execute(
        sa.delete(devices).where(devices.c.id == id, devices.c.account == account)
    )
    return bool(done.rowcount)


async def forget_before(connection: AsyncConnection, at: float) -> None:
    """Remove messages, and deliveries with nothing left to do, from before a time."""
    await connection.execute(sa.delete(inbox).where(inbox.c.at < at))
    is_over = sa.and_(deliveries.c.at < at, deliveries.c.state != "waiting")
    await connection.execute(sa.delete(deliveries).where(is_over))


async def erase(connection: AsyncConnection, account: str) -> None:
    """Remove all that is kept of an account."""
    for table in (inbox, deliveries, preferences, unsubscribing, devices):
        await connection.execute(sa.delete(table).where(table.c.account == account))


async def erase_profile(connection: AsyncConnection, profile: str) -> None:
    """Remove the messages of a profile."""
    await connection.execute(sa.delete(inbox).where(inbox.c.profile == profile))


async def export(connection: AsyncConnection, account: str) -> dict[str, Any]:
    """All that an account may want to take along; keys of devices are of no use elsewhere."""
    messages = await inbox_after(connection, account, 0, 10_000)
    wishes = await wishes_of(connection, account)
    return {
        "inbox": [
            {"kind": row.kind, "at": row.at, "read_at": row.read_at, "about": dict(row.payload)}
            for row in messages
        ],
        "preferences": [
            {"kind": kind, "channel": str(channel), "wanted": wanted}
            for (kind, channel), wanted in wishes.items()
        ],
        "devices": [device.endpoint for device in await devices_of(connection, account)],
    }
