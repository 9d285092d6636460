"""Stripe's answers in our records, its failures in our errors; older and newer shapes alike."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import json
import logging
import time
from typing import Any

import pytest

from cdnkit.errors import UnavailableError, UpstreamError
from config.service import Payments
from origin.domains.payments.app import Payments as Domain
from origin.domains.payments.gateway import (
    DeclinedError,
    Payment,
    RefusedError,
    SignatureError,
    Stripe,
    Told,
    read_event,
    read_payment,
    read_preview,
    read_standing,
)
from tests.helpers.localstripe import PLANS, SECRET, WEBHOOK_SECRET, Localstripe

OLD: dict[str, Any] = {
    "id": "sub_1",
    "status": "active",
    "created": 5,
    "current_period_end": 100,
    "cancel_at_period_end": True,
    "metadata": {"operation": "op1"},
    "items": {"data": [{"id": "si_1", "plan": {"id": "basic-eur", "currency": "eur"}}]},
}


def signed(payload: bytes, at: float, secret: str = WEBHOOK_SECRET) -> str:
    """The field as Stripe makes it (https://docs.stripe.com/webhooks#verify-manually)."""
    digest = hmac.new(secret.encode(), f"{at:.0f}.".encode() + payload, hashlib.sha256)
    return f"t={at:.0f},v1={digest.hexdigest()}"


def test_period_is_found_where_each_version_of_the_api_has_it() -> None:
    new = {**OLD, "current_period_end": None}
    new["items"] = {
        "data": [
            {"id": "si_1", "price": {"id": "basic-eur", "currency": "eur"},
             "current_period_end": 100}
        ]
    }  # fmt: skip
    assert read_standing(new) == read_standing(OLD)
    trial = read_standing({**OLD, "status": "trialing", "trial_end": 70})
    assert trial.period_end == 70.0


def test_proration_is_found_where_each_version_of_the_api_has_it() -> None:
    details = {"type": "x", "subscription_item_details": {"proration": True}}
    lines = [
        {"amount": 5, "proration": True, "description": "a"},
        {"amount": -3, "parent": details, "description": None},
        {"amount": 1, "proration": False},
    ]
    made = read_preview({"currency": "eur", "amount_due": 3, "lines": {"data": lines}})
    assert [line.is_proration for line in made.lines] == [True, True, False]


@pytest.mark.parametrize(
    ("about", "customer"),
    [
        ({"object": "customer", "id": "cus_1"}, "cus_1"),
        ({"object": "invoice", "id": "in_1", "customer": "cus_1"}, "cus_1"),
        ({"object": "plan", "id": "x"}, ""),
        ({"object": "invoice", "customer": {"id": "cus_1"}}, ""),
        (None, ""),
    ],
)
def test_event_says_which_customer_it_is_about(about: Any, customer: str) -> None:
    found = {"id": "evt_1", "type": "x.y", "data": {"object": about}}
    assert read_event(found) == Told("evt_1", "x.y", customer)


def test_payment_says_why_it_failed_or_nothing() -> None:
    found = {"client_secret": "s", "status": "processing", "amount": 5, "currency": "eur"}
    assert read_payment(found) == Payment("s", "processing", 5, "eur", "")
    assert read_payment({**found, "last_payment_error": None}).problem == ""
    assert read_payment({**found, "last_payment_error": {"message": "No."}}).problem == "No."


async def test_card_that_is_declined_is_told_apart_from_a_request_that_is_refused(
    payments: Domain, account: str
) -> None:
    stripe = payments.stripe
    customer = await stripe.create_customer(account)
    with pytest.raises(DeclinedError, match="declined"):
        await stripe.attach(customer, "pm_card_visa_chargeDeclined")
    with pytest.raises(RefusedError):
        await stripe.attach(customer, "pm_unknown")
    await stripe.delete_customer(customer, "key-1")
    await stripe.delete_customer(customer, "key-2")


async def test_customer_is_made_once(payments: Domain, account: str) -> None:
    made = [await payments.stripe.create_customer(account) for _ in range(2)]
    assert made[0] == made[1]


async def test_library_does_not_log_each_request(
    localstripe: Localstripe, caplog: pytest.LogCaptureFixture
) -> None:
    stripe = Stripe(localstripe.settings())
    with caplog.at_level(logging.INFO):
        await stripe.create_customer("somebody")
    await stripe.close()
    assert [record for record in caplog.records if record.name.startswith("stripe")] == []


async def test_stripe_that_is_away_is_upstream() -> None:
    stripe = Stripe(Payments(PLANS, SECRET, "", api_url="http://127.0.0.1:1", timeout_seconds=2))
    with pytest.raises(UpstreamError):
        await stripe.create_customer("anna")
    await stripe.close()


async def test_signature_is_checked_over_the_very_bytes(localstripe: Localstripe) -> None:
    stripe = Stripe(localstripe.settings())
    payload = json.dumps({"id": "evt_1", "object": "event", "type": "a.b", "data": {}}).encode()
    now = time.time()
    assert stripe.read_event(payload, signed(payload, now)).id == "evt_1"
    forged = [
        (payload, ""),
        (payload, "t=1,v1=abc"),
        (payload + b" ", signed(payload, now)),
        (payload, signed(payload, now, "whsec_other")),
        (payload, signed(payload, now - 3600)),
        (b"no json", signed(b"no json", now)),
    ]
    for body, field in forged:
        with pytest.raises(SignatureError):
            stripe.read_event(body, field)
    await stripe.close()


def test_library_that_is_absent_is_named(
    monkeypatch: pytest.MonkeyPatch, localstripe: Localstripe
) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(UnavailableError, match=r"cinedge\[pay\]"):
        Stripe(localstripe.settings())
