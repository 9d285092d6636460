"""Puts payments together from the settings, and what other domains may ask of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.service.lasting import lasting
from config.service import Payments as Settings
from origin.catalog.database import Database
from origin.domains.payments import queries
from origin.domains.payments.browser import BrowserHandlers
from origin.domains.payments.gateway import Stripe
from origin.domains.payments.handlers import Handlers
from origin.domains.payments.operations import Desk
from origin.domains.payments.plans import Plans
from origin.domains.payments.queries import Operation
from origin.domains.payments.reconcile import Reconciler
from origin.domains.payments.rules import Entitlement, Terms, is_entitled
from origin.domains.payments.shapes import PaymentPageView
from origin.domains.payments.syncing import Syncer
from origin.domains.payments.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Payments:
    """The domain: its routes and its work in the background."""

    handlers: Handlers
    browser: BrowserHandlers
    webhook: Webhook
    reconciler: Reconciler
    stripe: Stripe

    def routes(self) -> Sequence[web.RouteDef]:
        """What to mount."""
        return [*self.handlers.routes(), *self.browser.routes(), *self.webhook.routes()]

    async def run(self) -> None:
        """Compare with Stripe until cancelled."""
        try:
            await lasting("payments", self.reconciler.run)
        finally:
            await self.stripe.close()


def open_payments(
    settings: Settings,
    database: Database,
    report: Callable[[str], None],
    now: Callable[[], float],
) -> Payments:
    """The domain as the settings want it. Raises UnavailableError without the library."""
    stripe, plans = Stripe(settings), Plans(settings.plans)
    terms = Terms(settings.grace_seconds, settings.slack_seconds)
    syncer = Syncer(database, stripe, plans, terms, now, report)
    desk = Desk(database, stripe, syncer, now, _make_id)
    page = PaymentPageView(script_url=settings.script_url, publishable_key=settings.publishable_key)
    return Payments(
        browser=BrowserHandlers(database, stripe, syncer, page),
        handlers=Handlers(database, desk, stripe, plans, settings.publishable_key),
        webhook=Webhook(database, stripe, syncer, now, is_on=settings.webhook is not None),
        reconciler=Reconciler(desk, syncer, settings.reconcile_seconds, now, report),
        stripe=stripe,
    )


async def entitlement(connection: AsyncConnection, account: str, now: float) -> Entitlement | None:
    """What an account may watch with now; None when with nothing."""
    found = await queries.entitlement_of(connection, account)
    return found if found is not None and is_entitled(found, now) else None


async def erase(connection: AsyncConnection, account: str) -> None:
    """Remove an account's rows, and leave word that Stripe shall forget its customer too."""
    row = await queries.find(connection, account)
    await queries.erase(connection, account)
    if row is not None:
        operation = Operation(_make_id(), "", "erase", {"customer": row.customer}, 1)
        await queries.begin_operation(connection, operation, operation.id, 0.0, row.checked_at)


async def export(connection: AsyncConnection, account: str) -> dict[str, Any]:
    """What an account may want to take along; invoices are with Stripe."""
    row = await queries.find(connection, account)
    asked = await queries.operations_of(connection, account)
    if row is None:
        return {}
    return {
        "customer": row.customer,
        "plan": row.plan,
        "state": str(row.state),
        "period_end": row.period_end,
        "operations": [{"kind": kind, "state": state} for kind, state in asked],
    }


def _make_id() -> str:
    return secrets.token_urlsafe(12)
