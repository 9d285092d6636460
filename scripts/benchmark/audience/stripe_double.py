"""localstripe, a double of Stripe, as a process of its own with our plans in it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import httpx

from scripts.cli.errors import FailedError

SECRET: Final = "sk_test_cinedge"
WEBHOOK_SECRET: Final = "whsec_of-a-benchmark"
_AMOUNTS: Final = {"basic": 999, "premium": 1999}


def is_installed() -> bool:
    """Whether there is a double to start."""
    return importlib.util.find_spec("localstripe") is not None


class StripeDouble:
    """A running one."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid

    def settings(self) -> dict[str, Any]:
        """The section of a topology whose payments go to it; every plan has one stream."""
        plans = [
            {
                "id": name,
                "name": name.title(),
                "streams_max": 1,
                "prices": [{"currency": "eur", "amount_minor": amount, "stripe": f"{name}-eur"}],
            }
            for name, amount in _AMOUNTS.items()
        ]
        return {
            "plans": plans,
            "secret": SECRET,
            "publishable_key": "pk_test_cinedge",
            "api_url": self.url,
            "webhook": {"secret": WEBHOOK_SECRET},
        }

    def tell(self, origin_url: str) -> None:
        """Tell an origin what happens, from now on."""
        body = {"url": f"{origin_url}/v1/payments/webhook", "secret": WEBHOOK_SECRET}
        self._ask("POST", "/_config/webhooks/cinedge", body)

    def charges(self) -> Sequence[Mapping[str, Any]]:
        """Everything that was charged."""
        found: Sequence[Mapping[str, Any]] = self._ask("GET", "/v1/charges?limit=1000000")["data"]
        return [each for each in found if each["status"] == "succeeded"]

    def make_plans(self) -> None:
        """Make what can be subscribed to."""
        product = self._ask("POST", "/v1/products", {"name": "Films", "type": "service"})["id"]
        for name, amount in _AMOUNTS.items():
            plan = {
                "id": f"{name}-eur",
                "amount": amount,
                "currency": "eur",
                "interval": "month",
                "product": product,
            }
            self._ask("POST", "/v1/plans", plan)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        fields = {"Authorization": f"Bearer {SECRET}"}
        answer = httpx.request(method, self.url + path, json=body, headers=fields, timeout=60)
        if answer.is_error:
            raise FailedError(f"localstripe: {method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None


def wrong_charges(charges: Sequence[Mapping[str, Any]], customers: int) -> list[str]:
    """What is wrong with them, when each customer began one subscription.

    A change of plan is settled with the next invoice, which no run lives to see.
    """
    counts = Counter(each["customer"] for each in charges)
    wrong = [f"{name} was charged {count} times" for name, count in counts.items() if count > 1]
    if len(counts) != customers:
        wrong.append(f"{len(counts)} customers of {customers} were charged")
    return wrong


@contextmanager
def running_double() -> Iterator[StripeDouble]:
    """One inside the block. Raises FailedError when it does not start."""
    command = [sys.executable, "-m", "scripts.demo_stripe", "--ends-with-input"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise FailedError("localstripe did not start")
            double = StripeDouble(f"http://127.0.0.1:{int(line)}", process.pid)
            double.make_plans()
            yield double
        finally:
            process.kill()
