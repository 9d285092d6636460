"""The one way from Stripe to the rows: read all of a customer's subscriptions, write what counts.

Decides whose read is written when several overlap. Each takes a number before it asks Stripe; one
that finds a later number written already may have read something older, so it reads again. Whatever
order webhooks, requests and checks come in, the last word is a read that began after the change.
Rows of subscription and entitlement and the events about them are written together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import UnavailableError
from origin.catalog import outbox
from origin.catalog.database import Database
from origin.catalog.outbox import Event
from origin.domains.payments import queries
from origin.domains.payments.gateway import Stripe
from origin.domains.payments.plans import Plans
from origin.domains.payments.rules import (
    LIVE,
    Entitlement,
    Standing,
    Subscription,
    Terms,
    entitled_until,
    follow,
    kinds_told,
    payload_of,
    pick,
    state_of,
)

READS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Syncer:
    """Keeps rows as Stripe has it."""

    database: Database
    stripe: Stripe
    plans: Plans
    terms: Terms
    now: Callable[[], float]
    report: Callable[[str], None]

    async def sync(self, account: str) -> Subscription | None:
        """Read and write one account's; None when it never paid anything.

        Raises UpstreamError, UnavailableError.
        """
        for _ in range(READS_MAX):
            async with self.database.begin() as connection:
                row = await queries.begin_read(connection, account)
            if row is None:
                return None
            standings = await self.stripe.subscriptions(row.customer)
            self._check(account, standings)
            async with self.database.begin() as connection:
                written = await self._write(connection, account, pick(standings), row.reads)
            if written is not None:
                return written
        raise UnavailableError("the subscription changes faster than it can be read")

    def _check(self, account: str, standings: Sequence[Standing]) -> None:
        live = sum(state_of(standing) in LIVE for standing in standings)
        if live > 1:
            self.report(f"account {account} has {live} subscriptions at once")

    async def _write(
        self, connection: AsyncConnection, account: str, standing: Standing | None, number: int
    ) -> Subscription | None:
        """The row as written; None when a later read was there first."""
        before = await queries.lock(connection, account)
        if before is None or before.written > number:
            return None
        now = self.now()
        after = follow(before, standing, self.plans, now)
        after = replace(after, written=number, checked_at=now)
        await queries.save(connection, after)
        await self._entitle(connection, after)
        for kind in kinds_told(before, after):
            payload = payload_of(after, self.plans, self.terms)
            event = Event(f"{kind}:{account}:{number}", kind, account, payload)
            await outbox.post(connection, event, now)
        return after

    async def _entitle(self, connection: AsyncConnection, row: Subscription) -> None:
        plan, old = self.plans.find(row.plan), None
        if plan is None:
            # Of a plan that left the topology, what it was stays with those who have it.
            old = await queries.entitlement_of(connection, row.account)
        known = plan or old
        entitlement = Entitlement(
            plan=row.plan,
            state=row.state,
            until=entitled_until(row, self.terms),
            streams_max=known.streams_max if known else 0,
            height_max=known.height_max if known else 0,
        )
        await queries.entitle(connection, row.account, entitlement)
