"""The double of Stripe does what Stripe's documents say, and keeps what it holds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.helpers.localstripe import GOOD_CARD, SECRET, Localstripe, running_localstripe
from tests.helpers.processes import Running

PLANS = {"small": 500, "large": 900}


@contextmanager
def kept_in(path: Path) -> Iterator[Localstripe]:
    command = [sys.executable, "-m", "scripts.demo_stripe", "--keep", str(path)]
    with Running(command) as running:
        yield Localstripe(f"http://127.0.0.1:{running.line(30)}")


def make_plans(stripe: Localstripe) -> None:
    for id, amount in PLANS.items():
        plan = {"id": id, "amount": amount, "currency": "eur", "interval": "month"}
        stripe.ask("POST", "/v1/plans", {**plan, "product": {"name": id}})


def subscribe(stripe: Localstripe) -> tuple[str, Any]:
    customer = stripe.ask("POST", "/v1/customers", {"name": "Anna"})["id"]
    card = stripe.ask("POST", f"/v1/payment_methods/{GOOD_CARD}/attach", {"customer": customer})
    settings = {"invoice_settings": {"default_payment_method": card["id"]}}
    stripe.ask("POST", f"/v1/customers/{customer}", settings)
    asked = {"customer": customer, "items": [{"plan": "small"}]}
    return customer, stripe.ask("POST", "/v1/subscriptions", asked)


def preview(stripe: Localstripe, customer: str, subscription: str) -> int:
    asked = {
        "customer": customer,
        "subscription": subscription,
        "subscription_details": {"items": [{"plan": "large"}]},
    }
    return int(stripe.ask("POST", "/v1/invoices/create_preview", asked)["amount_due"])


def test_what_it_holds_outlives_it(tmp_path: Path) -> None:
    with kept_in(tmp_path / "kept") as first:
        make_plans(first)
        _, made = subscribe(first)
    with kept_in(tmp_path / "kept") as second:
        assert second.ask("GET", f"/v1/subscriptions/{made['id']}")["status"] == "active"


def test_preview_says_the_same_as_often_as_it_is_asked() -> None:
    with running_localstripe() as stripe:
        make_plans(stripe)
        customer, made = subscribe(stripe)
        assert [preview(stripe, customer, made["id"]) for _ in range(3)] == [400, 400, 400]


def test_key_that_was_seen_is_answered_as_the_first_time() -> None:
    with running_localstripe() as stripe:
        made = []
        for _ in range(2):
            request = Request(
                f"{stripe.url}/v1/customers",
                json.dumps({"name": "Anna"}).encode(),
                {"Authorization": f"Bearer {SECRET}", "Idempotency-Key": "key-1"},
            )
            with urlopen(request, timeout=10) as answer:
                made.append(json.load(answer)["id"])
        assert made[0] == made[1]
        assert stripe.calls("/v1/customers") == ["key-1"]


def test_it_ends_with_its_input() -> None:
    command = [sys.executable, "-m", "scripts.demo_stripe", "--ends-with-input"]
    call = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=True)
    assert int(call.stdout) > 0
