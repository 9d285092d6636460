"""localstripe, a stateful double of Stripe, as a process of its own with our plans in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from urllib.request import Request, urlopen

from config.service import Payments, Plan, Price, StripeWebhook

SECRET = "sk_test_cinedge"
WEBHOOK_SECRET = "whsec_of-a-test"
GOOD_CARD = "pm_card_visa"
FAILING_CARD = "pm_card_chargeCustomerFail"
"""Can be attached, cannot be charged."""
CONFIRMED_CARD_NUMBER = "4000002760003184"
"""Its bank wants every payment confirmed."""

PLANS = (
    Plan(
        "basic", "Basic", (Price("eur", 999, "basic-eur"), Price("usd", 1099, "basic-usd")),
        streams_max=1, height_max=720,
    ),
    Plan("premium", "Premium", (Price("eur", 1999, "premium-eur"),), streams_max=4),
    Plan("tried", "Tried", (Price("eur", 499, "tried-eur"),), trial_days=14),
    Plan("yearly", "Yearly", (Price("eur", 9990, "yearly-eur"),), interval="year"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Localstripe:
    """A running one."""

    url: str

    def settings(self, **changes: Any) -> Payments:
        """Payments that go to it."""
        return Payments(
            plans=PLANS,
            secret=SECRET,
            publishable_key="pk_test_cinedge",
            script_url=f"{self.url}/js.stripe.com/v3/",
            api_url=self.url,
            webhook=StripeWebhook(WEBHOOK_SECRET),
            **changes,
        )

    def document(self) -> dict[str, Any]:
        """The same, as a topology has it."""
        settings: dict[str, Any] = json.loads(json.dumps(asdict(self.settings())))
        return settings

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask it something beside our code."""
        request = Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def charges(self, customer: str) -> list[int]:
        """What a customer was charged, in minor units."""
        found = self.ask("GET", f"/v1/charges?customer={customer}&limit=100")
        return [each["amount"] for each in found["data"] if each["status"] == "succeeded"]

    def make_card(self, number: str) -> str:
        """A card, made as a browser makes one; our id for it."""
        card = {"number": number, "exp_month": 12, "exp_year": 2033, "cvc": "123"}
        return str(self.ask("POST", "/v1/payment_methods", {"type": "card", "card": card})["id"])

    def confirm(self, client_secret: str, *, success: bool) -> None:
        """Confirm a payment, or fail to, as a browser does at the wish of a bank."""
        payment = client_secret.partition("_secret_")[0]
        path = f"/v1/payment_intents/{payment}/_authenticate?success={str(success).lower()}"
        self.ask("POST", path, {"client_secret": client_secret})

    def calls(self, path: str) -> list[str]:
        """The idempotency keys of what was done at a path, each once."""
        return [each["key"] for each in self.ask("GET", "/_config/calls") if each["path"] == path]

    def send_webhooks_to(self, url: str) -> None:
        """Tell our origin what happens, from now on."""
        self.ask("POST", "/_config/webhooks/cinedge", {"url": url, "secret": WEBHOOK_SECRET})

    def _make_plans(self) -> None:
        product = self.ask("POST", "/v1/products", {"name": "Films", "type": "service"})["id"]
        for plan in PLANS:
            for price in plan.prices:
                made = {
                    "id": price.stripe,
                    "amount": price.amount_minor,
                    "currency": price.currency,
                    "interval": plan.interval,
                    "product": product,
                }
                self.ask("POST", "/v1/plans", made)


@contextmanager
def running_localstripe() -> Iterator[Localstripe]:
    """One inside the block, with nothing but our plans."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.demo_stripe", "--ends-with-input"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        stripe = Localstripe(f"http://127.0.0.1:{int(process.stdout.readline())}")
        stripe._make_plans()
        yield stripe
    finally:
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait(10)
