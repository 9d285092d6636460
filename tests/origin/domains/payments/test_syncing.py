"""Whatever order reads come in, the last word is a read that began after the change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cdnkit.errors import UnavailableError
from origin.catalog import outbox
from origin.catalog.database import Database
from origin.domains.payments import queries
from origin.domains.payments.plans import Plans
from origin.domains.payments.rules import Standing, State, Terms
from origin.domains.payments.syncing import READS_MAX, Syncer
from tests.helpers.clock import FakeClock
from tests.helpers.localstripe import PLANS

ACTIVE = Standing("sub_1", "active", "si_1", "basic-eur", "eur", 2_000_000_000.0, False, 1.0)


class ScriptedStripe:
    """Says what it was told to; a read waits at its gate, if it has one."""

    def __init__(self, standings: Sequence[Standing] = (ACTIVE,)) -> None:
        self.standings = list(standings)
        self.gates: list[asyncio.Event] = []
        self.reading = asyncio.Event()
        self.reads = 0

    async def subscriptions(self, customer: str) -> Sequence[Standing]:
        self.reads += 1
        seen = list(self.standings)
        self.reading.set()
        if self.gates:
            await self.gates.pop(0).wait()
        return seen


def syncer_of(database: Database, stripe: Any, told: list[str] | None = None) -> Syncer:
    report = told.append if told is not None else print
    return Syncer(database, stripe, Plans(PLANS), Terms(100.0, 10.0), FakeClock(), report)


async def add(database: Database) -> None:
    async with database.begin() as connection:
        await queries.add_customer(connection, "anna", "cus_1")


async def state(database: Database) -> tuple[State, State]:
    async with database.reading() as connection:
        row = await queries.find(connection, "anna")
        entitlement = await queries.entitlement_of(connection, "anna")
    assert row is not None
    assert entitlement is not None
    return row.state, entitlement.state


async def kinds(database: Database) -> list[str]:
    async with database.reading() as connection:
        return [posted.event.kind for posted in await outbox.waiting(connection, 20)]


async def test_row_entitlement_and_event_are_written_together(database: Database) -> None:
    await add(database)
    row = await syncer_of(database, ScriptedStripe()).sync("anna")
    assert row is not None
    assert await state(database) == (State.ACTIVE, State.ACTIVE)
    assert await kinds(database) == ["subscription.started"]


async def test_read_that_was_overtaken_is_read_again(database: Database) -> None:
    await add(database)
    stripe, gate = ScriptedStripe(), asyncio.Event()
    stripe.gates = [gate]
    syncer = syncer_of(database, stripe)
    slow = asyncio.create_task(syncer.sync("anna"))
    await stripe.reading.wait()
    stripe.standings = [replace(ACTIVE, status="past_due")]
    await syncer.sync("anna")
    assert await state(database) == (State.PAST_DUE, State.PAST_DUE)
    gate.set()
    await slow
    assert stripe.reads == 3
    assert await state(database) == (State.PAST_DUE, State.PAST_DUE)
    assert await kinds(database) == ["subscription.started"]


async def test_read_that_is_always_overtaken_gives_up(database: Database) -> None:
    await add(database)
    syncer = syncer_of(database, ScriptedStripe())

    class Overtaken(ScriptedStripe):
        async def subscriptions(self, customer: str) -> Sequence[Standing]:
            await syncer.sync("anna")
            return await super().subscriptions(customer)

    stripe = Overtaken()
    with pytest.raises(UnavailableError):
        await syncer_of(database, stripe).sync("anna")
    assert stripe.reads == READS_MAX


async def test_two_live_subscriptions_are_reported(database: Database) -> None:
    await add(database)
    told: list[str] = []
    stripe = ScriptedStripe([ACTIVE, replace(ACTIVE, id="sub_2")])
    await syncer_of(database, stripe, told).sync("anna")
    assert told == ["account anna has 2 subscriptions at once"]


async def test_who_has_a_plan_that_left_the_topology_keeps_what_it_was(
    database: Database,
) -> None:
    await add(database)
    stripe = ScriptedStripe()
    await syncer_of(database, stripe).sync("anna")
    later = replace(syncer_of(database, stripe), plans=Plans(()))
    await later.sync("anna")
    async with database.reading() as connection:
        entitlement = await queries.entitlement_of(connection, "anna")
    assert entitlement is not None
    assert (entitlement.plan, entitlement.streams_max) == ("basic", 1)


async def test_account_that_never_paid_has_nothing_to_read(database: Database) -> None:
    assert await syncer_of(database, ScriptedStripe()).sync("nobody") is None
