"""Rows of subscriptions, entitlements, operations and webhook events: SQL in, records out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.domains.payments.rules import Entitlement, State, Subscription
from origin.domains.payments.tables import entitlements, events, operations, subscriptions


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that is asked of Stripe; its id is the idempotency key."""

    id: str
    account: str
    kind: str
    asked: Mapping[str, Any]
    attempts: int


_SUBSCRIPTION = tuple(subscriptions.c[name] for name in Subscription.__dataclass_fields__)
_ENTITLEMENT = tuple(entitlements.c[name] for name in Entitlement.__dataclass_fields__)
_OPERATION = tuple(operations.c[name] for name in Operation.__dataclass_fields__)


def _insert(connection: AsyncConnection, table: sa.Table) -> Any:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table)


async def find(connection: AsyncConnection, account: str) -> Subscription | None:
    """The subscription of an account."""
    return await _one(connection, subscriptions.c.account == account)


async def find_customer(connection: AsyncConnection, customer: str) -> Subscription | None:
    """The subscription of one of Stripe's customers."""
    return await _one(connection, subscriptions.c.customer == customer)


async def lock(connection: AsyncConnection, account: str) -> Subscription | None:
    """The same; who else locks it waits for our commit."""
    return await _one(connection, subscriptions.c.account == account, is_locked=True)


async def _one(
    connection: AsyncConnection, which: sa.ColumnElement[bool], *, is_locked: bool = False
) -> Subscription | None:
    statement = sa.select(*_SUBSCRIPTION).where(which)
    if is_locked:
        statement = statement.with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    return Subscription(**{**row._mapping, "state": State(row.state)})


async def add_customer(connection: AsyncConnection, account: str, customer: str) -> str:
    """Keep an account's customer; the one that was kept first."""
    row = Subscription(account, customer)
    values = {name: getattr(row, name) for name in Subscription.__dataclass_fields__}
    statement = _insert(connection, subscriptions).values(values)
    await connection.execute(statement.on_conflict_do_nothing(index_elements=["account"]))
    kept = await find(connection, account)
    assert kept is not None
    return kept.customer


async def begin_read(connection: AsyncConnection, account: str) -> Subscription | None:
    """Give a read of Stripe its number; the row with it."""
    is_own = subscriptions.c.account == account
    counting = sa.update(subscriptions).where(is_own).values(reads=subscriptions.c.reads + 1)
    await connection.execute(counting)
    return await find(connection, account)


async def save(connection: AsyncConnection, row: Subscription) -> None:
    """Write a row that is there; `reads` is only counted by `begin_read`."""
    values = {name: getattr(row, name) for name in Subscription.__dataclass_fields__}
    del values["account"], values["reads"]
    is_own = subscriptions.c.account == row.account
    await connection.execute(sa.update(subscriptions).where(is_own).values(values))


async def due_for_check(connection: AsyncConnection, before: float, limit: int) -> Sequence[str]:
    """Accounts whose subscription was not compared with Stripe since a time."""
    statement = sa.select(subscriptions.c.account).where(subscriptions.c.checked_at < before)
    rows = await connection.execute(statement.order_by(subscriptions.c.checked_at).limit(limit))
    return list(rows.scalars())


async def claim_check(connection: AsyncConnection, account: str, before: float, now: float) -> bool:
    """Whether the comparison is ours to make."""
    is_due = sa.and_(subscriptions.c.account == account, subscriptions.c.checked_at < before)
    claimed = sa.update(subscriptions).where(is_due).values(checked_at=now)
    return bool((await connection.execute(claimed)).rowcount)


async def entitle(connection: AsyncConnection, account: str, entitlement: Entitlement) -> None:
    """Write what an account may watch with."""
    values = {name: getattr(entitlement, name) for name in Entitlement.__dataclass_fields__}
    statement = _insert(connection, entitlements).values(account=account, **values)
    keep = statement.on_conflict_do_update(index_elements=["account"], set_=values)
    await connection.execute(keep)


async def entitlement_of(connection: AsyncConnection, account: str) -> Entitlement | None:
    """The row, which may be over."""
    statement = sa.select(*_ENTITLEMENT).where(entitlements.c.account == account)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else Entitlement(**{**row._mapping, "state": State(row.state)})


async def begin_operation(
    connection: AsyncConnection, operation: Operation, running: str, until: float, now: float
) -> bool:
    """Write down what is about to be asked; False while something else is under way."""
    values = {name: getattr(operation, name) for name in Operation.__dataclass_fields__}
    statement = _insert(connection, operations).values(
        **{**values, "asked": dict(operation.asked)},
        state="begun",
        running=running,
        leased_until=until,
        result={},
        created_at=now,
    )
    done = await connection.execute(statement.on_conflict_do_nothing(index_elements=["running"]))
    return bool(done.rowcount)


async def take_over(
    connection: AsyncConnection, running: str, until: float, now: float
) -> Operation | None:
    """The operation under way, if whoever had it let it go or died."""
    is_left = sa.and_(operations.c.running == running, operations.c.leased_until <= now)
    statement = (
        sa.update(operations)
        .where(is_left)
        .values(leased_until=until, attempts=operations.c.attempts + 1)
        .returning(*_OPERATION)
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else Operation(*row)


async def left_operations(connection: AsyncConnection, now: float, limit: int) -> Sequence[str]:
    """`running` of operations that nobody works on."""
    statement = sa.select(operations.c.running).where(
        operations.c.running.is_not(None), operations.c.leased_until <= now
    )
    rows = await connection.execute(statement.order_by(operations.c.leased_until).limit(limit))
    return [str(each) for each in rows.scalars()]


async def let_go(connection: AsyncConnection, id: str, until: float) -> None:
    """Somebody may take the operation over from then on."""
    is_it = operations.c.id == id
    await connection.execute(sa.update(operations).where(is_it).values(leased_until=until))


async def finish(
    connection: AsyncConnection, id: str, state: str, result: Mapping[str, Any]
) -> bool:
    """Write down how an operation ended; False when somebody else did."""
    is_open = sa.and_(operations.c.id == id, operations.c.running.is_not(None))
    statement = sa.update(operations).where(is_open)
    done = await connection.execute(
        statement.values(state=state, running=None, result=dict(result))
    )
    return bool(done.rowcount)


async def operations_of(connection: AsyncConnection, account: str) -> Sequence[tuple[str, str]]:
    """Kind and state of what was asked for an account, oldest first."""
    statement = sa.select(operations.c.kind, operations.c.state).where(
        operations.c.account == account
    )
    rows = await connection.execute(statement.order_by(operations.c.created_at, operations.c.id))
    return [(row.kind, row.state) for row in rows]


async def note_event(connection: AsyncConnection, id: str, kind: str, now: float) -> bool:
    """Keep that a webhook event came; False when it was handled already."""
    statement = _insert(connection, events).values(id=id, kind=kind, at=now)
    await connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))
    handled = sa.select(events.c.handled_at).where(events.c.id == id)
    return (await connection.execute(handled)).scalar_one() is None


async def handled_event(connection: AsyncConnection, id: str, now: float) -> None:
    """What an event says has been taken in."""
    await connection.execute(sa.update(events).where(events.c.id == id).values(handled_at=now))


async def forget_before(connection: AsyncConnection, at: float) -> None:
    """Remove events and finished operations from before a time."""
    await connection.execute(sa.delete(events).where(events.c.at < at))
    is_over = sa.and_(operations.c.created_at < at, operations.c.running.is_(None))
    await connection.execute(sa.delete(operations).where(is_over))


async def erase(connection: AsyncConnection, account: str) -> None:
    """Remove all rows of an account."""
    for table in (subscriptions, entitlements, operations):
        await connection.execute(sa.delete(table).where(table.c.account == account))
