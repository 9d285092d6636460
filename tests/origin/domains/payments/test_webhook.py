"""Webhooks: signed, in any order, again and again, forged, unknown, and real ones."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from origin.catalog import outbox
from origin.catalog.database import Database
from origin.domains.payments import queries
from origin.domains.payments.app import Payments
from origin.domains.payments.rules import State, Subscription
from origin.domains.payments.syncing import Syncer
from tests.helpers.domain_app import running_domain
from tests.helpers.localstripe import FAILING_CARD, GOOD_CARD, Localstripe
from tests.origin.domains.payments.test_gateway import signed

PATH = "/v1/payments/webhook"
BASIC = {"stripe_plan": "basic-eur", "trial_days": 0}


@pytest.fixture
async def client(payments: Payments) -> AsyncIterator[ClientSession]:
    async with running_domain(payments.routes()) as session:
        yield session


@pytest.fixture
async def customer(payments: Payments, account: str) -> str:
    """A customer with a subscription."""
    made = await payments.reconciler.desk.customer(account)
    await payments.stripe.attach(made, GOOD_CARD)
    await payments.reconciler.desk.do(account, "subscribe", BASIC)
    return made


def event(id: str, customer: str, kind: str = "customer.subscription.updated") -> bytes:
    """An event that says something old and wrong of the subscription."""
    about = {"object": "subscription", "id": "sub_0", "customer": customer, "status": "canceled"}
    made = {"id": id, "object": "event", "type": kind, "created": 1, "data": {"object": about}}
    return json.dumps(made).encode()


async def send(client: ClientSession, payload: bytes, field: str | None = None) -> tuple[int, Any]:
    headers = {"Stripe-Signature": signed(payload, time.time()) if field is None else field}
    async with client.post(PATH, data=payload, headers=headers) as answer:
        return answer.status, await answer.json()


async def state(database: Database, account: str) -> State:
    async with database.reading() as connection:
        row = await queries.find(connection, account)
    assert row is not None
    return row.state


async def test_event_is_handled_once_and_what_it_says_is_not_believed(
    database: Database, client: ClientSession, customer: str, account: str
) -> None:
    payload = event("evt_1", customer)
    assert await send(client, payload) == (200, {"handled": True})
    assert await send(client, payload) == (200, {"handled": False})
    assert await state(database, account) is State.ACTIVE


async def test_old_and_new_events_together_end_as_stripe_has_it(
    database: Database,
    client: ClientSession,
    customer: str,
    account: str,
    localstripe: Localstripe,
) -> None:
    found = localstripe.ask("GET", f"/v1/subscriptions?customer={customer}")
    localstripe.ask("DELETE", f"/v1/subscriptions/{found['data'][0]['id']}")
    kinds = ["customer.subscription.deleted", "customer.subscription.created", "invoice.paid"]
    sent = [send(client, event(f"evt_{kind}", customer, kind)) for kind in kinds]
    assert {status for status, _ in await asyncio.gather(*sent)} == {200}
    assert await state(database, account) is State.CANCELED
    async with database.reading() as connection:
        told = [each.event.kind for each in await outbox.waiting(connection, 20)]
    assert told == ["subscription.started", "subscription.canceled"]


async def test_forged_event_is_refused_and_leaves_nothing(
    database: Database, client: ClientSession, customer: str
) -> None:
    payload = event("evt_1", customer)
    for field in ("", "t=1,v1=0", signed(payload, time.time(), "whsec_guessed")):
        status, said = await send(client, payload, field)
        assert (status, said["type"]) == (400, "urn:cinedge:problem:bad-signature")
    async with database.begin() as connection:
        assert await queries.note_event(connection, "evt_1", "x", 1.0)


async def test_unknown_kinds_and_strangers_are_answered_and_ignored(
    client: ClientSession, customer: str
) -> None:
    assert (await send(client, event("evt_1", customer, "treasury.new_thing")))[0] == 200
    assert await send(client, event("evt_2", "cus_stranger")) == (200, {"handled": False})


async def test_body_without_end_is_refused(client: ClientSession) -> None:
    status, _ = await send(client, b" " * 600_000)
    assert status == 413


async def test_stripes_own_webhook_brings_a_failed_renewal_and_its_recovery(
    monkeypatch: pytest.MonkeyPatch,
    database: Database,
    payments: Payments,
    account: str,
    customer: str,
    localstripe: Localstripe,
) -> None:
    failed, sync = asyncio.Event(), Syncer.sync

    async def listen(self: Syncer, whose: str) -> Subscription | None:
        row = await sync(self, whose)
        if row is not None and row.state is State.PAST_DUE:
            failed.set()
        return row

    monkeypatch.setattr(Syncer, "sync", listen)
    async with running_domain(payments.routes()) as client:
        localstripe.send_webhooks_to(f"{str(client._base_url).rstrip('/')}{PATH}")
        await payments.stripe.attach(customer, FAILING_CARD)
        (standing,) = await payments.stripe.subscriptions(customer)
        # localstripe has no renewals; it collects at once when the interval changes.
        yearly = {"items": [{"plan": "yearly-eur"}]}
        localstripe.ask("POST", f"/v1/subscriptions/{standing.id}", yearly)
        await failed.wait()
        async with database.reading() as connection:
            entitlement = await queries.entitlement_of(connection, account)
        assert entitlement is not None
        assert entitlement.until == pytest.approx(time.time() + 7 * 86400, abs=60)
        body, headers = {"payment_method": GOOD_CARD}, {"X-Viewer": account}
        async with client.post("/v1/payment-methods", json=body, headers=headers) as answer:
            assert answer.status == 201
    assert await state(database, account) is State.ACTIVE
    async with database.reading() as connection:
        told = [each.event.kind for each in await outbox.waiting(connection, 20)]
    assert told == ["subscription.started", "payment.failed", "payment.recovered"]
