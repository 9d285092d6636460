"""What was missed while nobody listened is found."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

from cdnkit.errors import UpstreamError
from origin.catalog.database import Database
from origin.domains.payments import queries
from origin.domains.payments.app import Payments, entitlement
from origin.domains.payments.rules import State
from tests.helpers.localstripe import GOOD_CARD, Localstripe

BASIC = {"stripe_plan": "basic-eur", "trial_days": 0}


async def test_end_that_nobody_heard_of_is_found_after_downtime(
    database: Database, payments: Payments, localstripe: Localstripe, account: str
) -> None:
    desk = payments.reconciler.desk
    customer = await desk.customer(account)
    await payments.stripe.attach(customer, GOOD_CARD)
    await desk.do(account, "subscribe", BASIC)
    (standing,) = await payments.stripe.subscriptions(customer)
    localstripe.ask("DELETE", f"/v1/subscriptions/{standing.id}")
    async with database.reading() as connection:
        assert await entitlement(connection, account, time.time()) is not None
    await payments.reconciler.round(time.time())
    async with database.reading() as connection:
        assert await entitlement(connection, account, time.time()) is None
        row = await queries.find(connection, account)
    assert row is not None
    assert row.state is State.CANCELED


async def test_row_that_was_compared_lately_is_left_alone(
    database: Database, payments: Payments, account: str
) -> None:
    customer = await payments.reconciler.desk.customer(account)
    await payments.reconciler.round(time.time())
    async with database.reading() as connection:
        before = await queries.find_customer(connection, customer)
    await payments.reconciler.round(time.time() - 3600)
    async with database.reading() as connection:
        assert await queries.find_customer(connection, customer) == before


async def test_account_that_fails_does_not_stop_the_others(
    database: Database, payments: Payments
) -> None:
    async with database.begin() as connection:
        for number in range(45):
            await queries.add_customer(connection, f"a{number}", f"cus_{number}")
    asked: list[str] = []
    told: list[str] = []

    class Failing:
        async def sync(self, account: str) -> None:
            asked.append(account)
            raise UpstreamError("away")

    syncer: Any = Failing()
    reconciler = replace(payments.reconciler, syncer=syncer, report=told.append)
    await asyncio.gather(reconciler.round(time.time()), reconciler.round(time.time()))
    assert len(asked) == len(set(asked)) == 45
    assert len(told) == 45
