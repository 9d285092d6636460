"""What `cinedge up --service` puts beside the CDN, and what it has made there.

Beside the CDN stand a mail server that shows what comes (`demo_mail`) and a double of Stripe
(`demo_stripe`, a process of its own), each only where the topology still points at it: who writes a
real mail server or Stripe's keys into the file gets those.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

import aiohttp

from cdnkit.errors import UnavailableError
from config.service import Payments, Service
from scripts.demo_mail import showing_mails
from scripts.demo_topology import HOST
from scripts.supervise import Supervisor

STRIPE: Final = "stripe"
_PARTS: Final = ("aiosmtpd", "localstripe", "stripe")


def require_parts() -> None:
    """Raises UnavailableError where what the service stands on is not installed."""
    missing = [name for name in _PARTS if importlib.util.find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"--service needs {', '.join(missing)}; scripts/setup installs all it needs"
        )


@asynccontextmanager
async def beside(
    service: Service, supervisor: Supervisor, data: Path, say: Callable[[str], None]
) -> AsyncIterator[None]:
    """Mail server and double of Stripe, inside the block, where the topology points at them."""
    async with AsyncExitStack() as stack:
        if service.mail is not None and service.mail.host == HOST:
            showing = showing_mails(HOST, service.mail.port, say)
            await stack.enter_async_context(showing)
        if is_doubled(service.payments):
            supervisor.start(STRIPE, stripe_command(service.payments, data / "stripe.pickle"))
        yield


def is_doubled(payments: Payments | None) -> TypeGuard[Payments]:
    """Whether what is paid goes to a double on this machine."""
    return payments is not None and urlsplit(payments.api_url).hostname == HOST


def stripe_command(payments: Payments, keep: Path) -> list[str]:
    """How the double is started."""
    port = urlsplit(payments.api_url).port
    program = [sys.executable, "-m", "scripts.demo_stripe"]
    return [*program, "--port", str(port), "--keep", str(keep)]


def urls_beside(service: Service) -> Sequence[str]:
    """What answers once all that stands beside the tiers does."""
    return (service.payments.script_url,) if is_doubled(service.payments) else ()


async def furnish(
    client: aiohttp.ClientSession, service: Service, origin: str, title_id: str
) -> None:
    """Plans at the double and where it tells what happens; a licence for the film, once."""
    payments = service.payments
    if payments is None:
        return
    if is_doubled(payments):
        await _sell(client, payments, f"{origin}/v1/payments/webhook")
    licences = f"{origin}/v1/licences"
    held = await _ask(client, "GET", f"{licences}?title_id={title_id}")
    if not held["items"]:
        plans = [plan.id for plan in payments.plans]
        await _ask(client, "POST", licences, {"title_id": title_id, "plans": plans})


async def _sell(client: aiohttp.ClientSession, payments: Payments, webhook: str) -> None:
    url, key = payments.api_url, {"Authorization": f"Bearer {payments.secret}"}
    for plan in payments.plans:
        for price in plan.prices:
            async with client.get(f"{url}/v1/plans/{price.stripe}", headers=key) as answer:
                if answer.ok:
                    continue
            made = {
                "id": price.stripe,
                "amount": price.amount_minor,
                "currency": price.currency,
                "interval": plan.interval,
                "product": {"name": plan.name},
            }
            await _ask(client, "POST", f"{url}/v1/plans", made, key)
    if payments.webhook is not None:
        told = {"url": webhook, "secret": payments.webhook.secret}
        await _ask(client, "POST", f"{url}/_config/webhooks/cinedge", told)


async def _ask(
    client: aiohttp.ClientSession,
    method: str,
    url: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Any:
    async with client.request(method, url, json=body, headers=headers) as answer:
        if not answer.ok:
            text = (await answer.text())[:500]
            raise UnavailableError(f"{method} {url} was refused: {answer.status} {text}")
        text = await answer.text()
        return json.loads(text) if text else None
