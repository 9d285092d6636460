"""The life of a subscription over real connections, against a real localstripe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from origin.catalog import outbox
from origin.catalog.database import Database
from origin.domains.payments.app import Payments
from tests.helpers.domain_app import running_domain
from tests.helpers.localstripe import FAILING_CARD, GOOD_CARD, Localstripe


@pytest.fixture
async def client(payments: Payments) -> AsyncIterator[ClientSession]:
    async with running_domain(payments.routes()) as session:
        yield session


class Person:
    """Somebody who asks."""

    def __init__(self, client: ClientSession, account: str) -> None:
        self._client = client
        self._headers = {"X-Viewer": account}

    async def ask(self, method: str, path: str, status: int, body: Any = None) -> Any:
        async with self._client.request(method, path, headers=self._headers, json=body) as answer:
            text = await answer.text()
            assert answer.status == status, text
            assert answer.headers.get("Cache-Control", "no-store") == "no-store"
            return await answer.json() if text else None


@pytest.fixture
def anna(client: ClientSession, account: str) -> Person:
    return Person(client, account)


async def test_subscription_begins_changes_ends_and_goes_on(
    database: Database, anna: Person, payments: Payments
) -> None:
    assert (await anna.ask("GET", "/v1/subscription", 200))["state"] == "none"
    needed = await anna.ask("POST", "/v1/subscription", 409, {"plan": "basic"})
    assert needed["type"].endswith("payment-method-needed")
    setup = await anna.ask("POST", "/v1/payment-methods/setup", 201)
    assert setup["client_secret"].startswith("seti_")
    assert setup["publishable_key"] == "pk_test_cinedge"
    await anna.ask("POST", "/v1/payment-methods", 201, {"payment_method": GOOD_CARD})
    begun = await anna.ask("POST", "/v1/subscription", 201, {"plan": "basic"})
    assert (begun["state"], begun["plan"], begun["currency"]) == ("active", "basic", "eur")
    assert begun["entitled_until"] > begun["period_end"]
    again = await anna.ask("POST", "/v1/subscription", 409, {"plan": "basic"})
    assert again["state"] == "active"
    seen = await anna.ask("GET", "/v1/subscription/preview?plan=premium", 200)
    amounts = {line["amount_minor"]: line["proration"] for line in seen["lines"]}
    assert amounts[1999] is False
    assert amounts[-999] is True
    changed = await anna.ask("PATCH", "/v1/subscription", 200, {"plan": "premium"})
    assert changed["plan"] == "premium"
    ending = await anna.ask("DELETE", "/v1/subscription", 200)
    assert (ending["state"], ending["cancel_at_period_end"]) == ("active", True)
    assert ending["entitled_until"] == ending["period_end"]
    on = await anna.ask("PATCH", "/v1/subscription", 200, {"cancel_at_period_end": False})
    assert on["cancel_at_period_end"] is False
    async with database.reading() as connection:
        told = [each.event.kind for each in await outbox.waiting(connection, 20)]
    assert told == [
        "subscription.started", "subscription.changed", "subscription.ending",
        "subscription.resumed",
    ]  # fmt: skip


async def test_first_payment_that_fails_entitles_to_nothing_until_it_is_paid(
    anna: Person,
) -> None:
    await anna.ask("POST", "/v1/payment-methods", 201, {"payment_method": FAILING_CARD})
    begun = await anna.ask("POST", "/v1/subscription", 201, {"plan": "basic"})
    assert (begun["state"], begun["entitled_until"]) == ("incomplete", 0.0)
    await anna.ask("POST", "/v1/payment-methods", 201, {"payment_method": GOOD_CARD})
    paid = await anna.ask("GET", "/v1/subscription", 200)
    assert paid["state"] == "active"


async def test_trial_entitles_before_anything_is_charged(
    anna: Person, account: str, payments: Payments, localstripe: Localstripe
) -> None:
    await anna.ask("POST", "/v1/payment-methods", 201, {"payment_method": GOOD_CARD})
    begun = await anna.ask("POST", "/v1/subscription", 201, {"plan": "tried"})
    assert begun["state"] == "trialing"
    assert begun["entitled_until"] > begun["period_end"] > 0
    customer = await payments.reconciler.desk.customer(account)
    assert localstripe.charges(customer) == []


async def test_means_of_payment_are_listed_by_what_people_know_of_them(anna: Person) -> None:
    assert (await anna.ask("GET", "/v1/payment-methods", 200))["items"] == []
    first = await anna.ask("POST", "/v1/payment-methods", 201, {"payment_method": GOOD_CARD})
    second = await anna.ask("POST", "/v1/payment-methods", 201, {"payment_method": GOOD_CARD})
    found = (await anna.ask("GET", "/v1/payment-methods", 200))["items"]
    assert [(each["id"], each["default"]) for each in found] == [
        (first["id"], False), (second["id"], True),
    ]  # fmt: skip
    assert found[0]["last4"] == "4242"
    await anna.ask("POST", "/v1/subscription", 201, {"plan": "basic", "currency": "usd"})
    await anna.ask("DELETE", f"/v1/payment-methods/{second['id']}", 409)
    await anna.ask("DELETE", f"/v1/payment-methods/{first['id']}", 204)
    await anna.ask("DELETE", f"/v1/payment-methods/{first['id']}", 404)


async def test_declined_card_is_the_persons_to_mend(anna: Person) -> None:
    body = {"payment_method": "pm_card_visa_chargeDeclined"}
    said = await anna.ask("POST", "/v1/payment-methods", 402, body)
    assert said["type"].endswith("payment-declined")


async def test_card_number_is_refused_wherever_it_stands(anna: Person) -> None:
    for path, body in (
        ("/v1/payment-methods", {"payment_method": "4242 4242 4242 4242"}),
        ("/v1/payment-methods", {"payment_method": GOOD_CARD, "number": "4242424242424242"}),
        ("/v1/subscription", {"plan": "4242424242424242"}),
    ):
        said = await anna.ask("POST", path, 400, body)
        assert said["type"].endswith("card-number")
        assert "4242" not in str(said)


async def test_invoices_are_each_persons_own_and_refunds_an_operators(
    client: ClientSession, anna: Person, account: str
) -> None:
    assert (await anna.ask("GET", "/v1/invoices", 200))["items"] == []
    await anna.ask("POST", "/v1/payment-methods", 201, {"payment_method": GOOD_CARD})
    await anna.ask("POST", "/v1/subscription", 201, {"plan": "basic"})
    (invoice,) = (await anna.ask("GET", "/v1/invoices", 200))["items"]
    assert (invoice["paid_minor"], invoice["currency"], invoice["status"]) == (999, "eur", "paid")
    ben = Person(client, f"{account}-ben")
    assert (await ben.ask("GET", "/v1/invoices", 200))["items"] == []
    refund = {"account": account, "invoice": invoice["id"], "amount_minor": 500}
    given = await anna.ask("POST", "/v1/refunds", 201, refund)
    assert (given["amount_minor"], given["currency"]) == (500, "eur")
    await anna.ask("POST", "/v1/refunds", 404, {**refund, "account": f"{account}-ben"})
    await anna.ask("POST", "/v1/refunds", 400, {**refund, "amount_minor": 500})


async def test_plans_are_for_everybody_and_the_rest_for_signed_in_people(
    client: ClientSession,
) -> None:
    async with client.get("/v1/plans") as answer:
        plans = (await answer.json())["items"]
    assert [plan["id"] for plan in plans] == ["basic", "premium", "tried", "yearly"]
    for method, path in (
        ("GET", "/v1/subscription"), ("POST", "/v1/subscription"), ("PATCH", "/v1/subscription"),
        ("DELETE", "/v1/subscription"), ("GET", "/v1/invoices"), ("GET", "/v1/payment-methods"),
        ("POST", "/v1/payment-methods"), ("POST", "/v1/payment-methods/setup"),
        ("DELETE", "/v1/payment-methods/pm_1"), ("GET", "/v1/subscription/preview"),
    ):  # fmt: skip
        async with client.request(method, path) as answer:
            assert answer.status == 401, (method, path)


@pytest.mark.parametrize("body", [{}, {"plan": "basic", "cancel_at_period_end": True}])
async def test_change_names_one_thing(anna: Person, body: Any) -> None:
    await anna.ask("PATCH", "/v1/subscription", 400, body)


async def test_unknown_plan_is_named(anna: Person) -> None:
    said = await anna.ask("POST", "/v1/subscription", 400, {"plan": "none"})
    assert said["type"].endswith("unknown-plan")
