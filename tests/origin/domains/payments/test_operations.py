"""What is asked of Stripe happens once, wherever a process dies."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from cdnkit.errors import NotFoundError, UpstreamError
from origin.catalog.database import Database
from origin.domains.payments import queries
from origin.domains.payments.app import Payments, entitlement, erase
from origin.domains.payments.gateway import RefusedError, Stripe
from origin.domains.payments.operations import BusyError, Desk
from origin.domains.payments.rules import Action, NotNowError, State, check_action
from tests.helpers import killed_payment
from tests.helpers.clock import FakeClock
from tests.helpers.localstripe import GOOD_CARD, Localstripe

BASIC = {"stripe_plan": "basic-eur", "trial_days": 0}


def desk_of(payments: Payments) -> Desk:
    return payments.reconciler.desk


async def with_card(payments: Payments, account: str, card: str = GOOD_CARD) -> str:
    customer = await desk_of(payments).customer(account)
    await payments.stripe.attach(customer, card)
    return customer


async def state_of(database: Database, account: str) -> State:
    async with database.reading() as connection:
        row = await queries.find(connection, account)
    assert row is not None
    return row.state


async def test_death_between_charge_and_row_charges_once(
    database: Database,
    database_url: str,
    payments: Payments,
    localstripe: Localstripe,
    account: str,
) -> None:
    customer = await with_card(payments, account)
    program = Path(killed_payment.__file__)
    dead = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.helpers.killed_payment", database_url, localstripe.url,
         account],
        cwd=program.parents[2],
        check=False,
        capture_output=True,
        timeout=60,
    )  # fmt: skip
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    assert localstripe.charges(customer) == [999]
    assert await state_of(database, account) is State.NONE
    with pytest.raises(BusyError):
        await desk_of(payments).do(account, "subscribe", BASIC)
    localstripe.ask("DELETE", "/_config/keys")
    later = time.time() + 1000
    desk = replace(desk_of(payments), now=lambda: later)
    reconciler = replace(payments.reconciler, desk=desk, now=lambda: later)
    await reconciler.round(later)
    assert localstripe.charges(customer) == [999]
    async with database.reading() as connection:
        found = await entitlement(connection, account, later)
        assert await queries.operations_of(connection, account) == [("subscribe", "done")]
    assert found is not None
    assert (found.plan, found.streams_max, found.height_max) == ("basic", 1, 720)


async def test_answer_that_was_lost_is_asked_for_under_the_same_key(
    monkeypatch: pytest.MonkeyPatch, payments: Payments, localstripe: Localstripe, account: str
) -> None:
    customer = await with_card(payments, account)
    subscribe, keys = Stripe.subscribe, []

    async def lose(self: Stripe, whose: str, plan: str, trial_days: int, operation: str) -> None:
        keys.append(operation)
        await subscribe(self, whose, plan, trial_days, operation)
        if len(keys) == 1:
            raise UpstreamError("the connection broke")

    async def nothing(self: Stripe, customer: str) -> list[object]:
        return []

    monkeypatch.setattr(Stripe, "subscribe", lose)
    clock = FakeClock(time.time())
    desk = replace(desk_of(payments), now=clock)
    with pytest.raises(UpstreamError):
        await desk.do(account, "subscribe", BASIC)
    clock.advance(31)
    # The list does not show it yet either: the key alone has to do.
    with monkeypatch.context() as blind:
        blind.setattr(Stripe, "subscriptions", nothing)
        await desk.take_up(account)
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert localstripe.charges(customer) == [999]


async def test_many_requests_at_once_charge_once(
    payments: Payments, localstripe: Localstripe, account: str
) -> None:
    customer = await with_card(payments, account)
    desk = desk_of(payments)
    check = partial(check_action, action=Action.SUBSCRIBE)
    asked = [desk.do(account, "subscribe", BASIC, check) for _ in range(5)]
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in ended) == 1
    assert sum(isinstance(each, BusyError | NotNowError) for each in ended) == 4
    assert localstripe.charges(customer) == [999]


async def test_refund_is_given_once_and_never_more_than_was_paid(
    payments: Payments, localstripe: Localstripe, account: str
) -> None:
    customer = await with_card(payments, account)
    desk = desk_of(payments)
    await desk.do(account, "subscribe", BASIC)
    (invoice,) = await payments.stripe.invoices(customer, 10)
    asked = {"invoice": invoice.id, "amount_minor": 100}
    first = await desk.do(account, "refund", asked)
    assert first["amount_minor"] == 100
    rest = await desk.do(account, "refund", {**asked, "amount_minor": 0})
    assert rest["amount_minor"] == 899
    with pytest.raises(RefusedError, match="0 of this invoice"):
        await desk.do(account, "refund", {**asked, "amount_minor": 1})
    given = await payments.stripe.refunds(await payments.stripe.payment_of(invoice))
    assert sorted(each.amount_minor for each in given) == [100, 899]
    other = f"{account}-other"
    await with_card(payments, other)
    with pytest.raises(NotFoundError):
        await desk.do(other, "refund", asked)


async def test_erased_account_is_forgotten_by_stripe_too(
    database: Database, payments: Payments, localstripe: Localstripe, account: str
) -> None:
    customer = await with_card(payments, account)
    await desk_of(payments).do(account, "subscribe", BASIC)
    async with database.begin() as connection:
        await erase(connection, account)
        assert await queries.find(connection, account) is None
    await payments.reconciler.round(0.0)
    async with database.reading() as connection:
        assert await queries.left_operations(connection, time.time(), 10) == []
    with pytest.raises(RefusedError):
        await payments.stripe.subscriptions(customer)
