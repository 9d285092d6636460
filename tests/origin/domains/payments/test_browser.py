"""A payment that its payer has to confirm, against a real localstripe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from origin.domains.payments.app import Payments
from tests.helpers.domain_app import running_domain
from tests.helpers.localstripe import CONFIRMED_CARD_NUMBER, FAILING_CARD, Localstripe


@pytest.fixture
async def client(payments: Payments) -> AsyncIterator[ClientSession]:
    async with running_domain(payments.routes()) as session:
        yield session


class Payer:
    """Somebody in a browser."""

    def __init__(self, client: ClientSession, account: str) -> None:
        self._client = client
        self._headers = {"X-Viewer": account}

    async def ask(self, method: str, path: str, status: int, body: Any = None) -> Any:
        async with self._client.request(method, path, headers=self._headers, json=body) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def subscribe(self, card: str) -> Any:
        await self.ask("POST", "/v1/payment-methods", 201, {"payment_method": card})
        return await self.ask("POST", "/v1/subscription", 201, {"plan": "basic"})


@pytest.fixture
def anna(client: ClientSession, account: str) -> Payer:
    return Payer(client, account)


async def test_everybody_learns_what_takes_cards(
    client: ClientSession, localstripe: Localstripe
) -> None:
    async with client.get("/v1/payments/page") as answer:
        assert await answer.json() == {
            "script_url": f"{localstripe.url}/js.stripe.com/v3/",
            "publishable_key": "pk_test_cinedge",
        }


async def test_payment_that_its_payer_confirms_begins_the_subscription(
    anna: Payer, localstripe: Localstripe
) -> None:
    begun = await anna.subscribe(localstripe.make_card(CONFIRMED_CARD_NUMBER))
    assert (begun["state"], begun["entitled_until"]) == ("incomplete", 0.0)
    waiting = await anna.ask("GET", "/v1/subscription/payment", 200)
    assert (waiting["status"], waiting["problem"]) == ("requires_action", "")
    assert (waiting["amount_minor"], waiting["currency"]) == (999, "eur")
    localstripe.confirm(waiting["client_secret"], success=True)
    found = await anna.ask("POST", "/v1/subscription/payment", 200)
    assert found["state"] == "active"
    assert found["entitled_until"] > found["period_end"] > 0
    await anna.ask("GET", "/v1/subscription/payment", 404)


async def test_payment_that_is_not_confirmed_entitles_to_nothing_whatever_the_page_says(
    anna: Payer, localstripe: Localstripe
) -> None:
    await anna.subscribe(localstripe.make_card(CONFIRMED_CARD_NUMBER))
    told = await anna.ask("POST", "/v1/subscription/payment", 200)
    assert (told["state"], told["entitled_until"]) == ("incomplete", 0.0)
    waiting = await anna.ask("GET", "/v1/subscription/payment", 200)
    localstripe.confirm(waiting["client_secret"], success=False)
    found = await anna.ask("POST", "/v1/subscription/payment", 200)
    assert (found["state"], found["entitled_until"]) == ("canceled", 0.0)


async def test_payment_that_was_refused_says_why(anna: Payer) -> None:
    await anna.subscribe(FAILING_CARD)
    waiting = await anna.ask("GET", "/v1/subscription/payment", 200)
    assert waiting["status"] == "requires_payment_method"
    assert "declined" in waiting["problem"]


async def test_who_owes_nothing_has_nothing_to_confirm(client: ClientSession, anna: Payer) -> None:
    await anna.ask("GET", "/v1/subscription/payment", 404)
    await anna.ask("POST", "/v1/subscription/payment", 404)
    for method in ("GET", "POST"):
        async with client.request(method, "/v1/subscription/payment") as answer:
            assert answer.status == 401
