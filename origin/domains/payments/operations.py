"""What is asked of Stripe, written down before it is asked, so that it happens once.

An operation's row is there before the first call and names it to Stripe twice: as idempotency key,
which Stripe remembers for a day, and in the metadata of what is made, which it keeps. Whoever finds
a row that was left (a request of the same account, or `reconcile`) does it again: first it looks
whether it was done, then it asks with the same key. So a crash anywhere charges once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cdnkit.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    UnavailableError,
    UpstreamError,
)
from origin.catalog import outbox
from origin.catalog.database import Database
from origin.catalog.outbox import Event
from origin.domains.payments import queries
from origin.domains.payments.gateway import DeclinedError, Refund, RefusedError, Stripe
from origin.domains.payments.queries import Operation
from origin.domains.payments.rules import (
    OWING,
    PAID_AHEAD,
    Standing,
    Subscription,
    format_money,
    pick,
    state_of,
)
from origin.domains.payments.syncing import Syncer

LEASE_SECONDS: Final = 120.0
"""An operation whose process died is taken over after this."""
RETRY_SECONDS: Final = 30.0
_LEASE_SHARE: Final = 0.8

Result = Mapping[str, Any]
Check = Callable[[Subscription | None], None]
"""Raises when the account's row does not allow what is asked."""


class BusyError(ConflictError):
    """Something else of this account is under way; it ends soon."""

    code = "payment-busy"
    retryable = True


@dataclass(frozen=True, slots=True)
class Desk:
    """Does operations."""

    database: Database
    stripe: Stripe
    syncer: Syncer
    now: Callable[[], float]
    make_id: Callable[[], str]

    async def do(
        self, account: str, kind: str, asked: Mapping[str, Any], check: Check | None = None
    ) -> Result:
        """Do something for an account, after what was left of it.

        Raises what `check` raises, BusyError, DeclinedError, RefusedError, UpstreamError.
        """
        await self.take_up(account)
        operation = Operation(self.make_id(), account, kind, asked, 1)
        now = self.now()
        async with self.database.begin() as connection:
            if check is not None:
                check(await queries.lock(connection, account))
            until = now + LEASE_SECONDS
            if not await queries.begin_operation(connection, operation, account, until, now):
                raise BusyError("a payment of this account is under way")
        return await self._perform(operation)

    async def take_up(self, running: str) -> None:
        """Finish what was left of an account, if anything was."""
        now = self.now()
        async with self.database.begin() as connection:
            left = await queries.take_over(connection, running, now + LEASE_SECONDS, now)
        if left is None:
            return
        try:
            await self._perform(left)
        except (DeclinedError, BadRequestError, NotFoundError):
            return  # that is how it ended, and it is written down

    async def customer(self, account: str) -> str:
        """The customer of an account, made when there is none."""
        async with self.database.reading() as connection:
            row = await queries.find(connection, account)
        if row is not None:
            return row.customer
        customer = await self.stripe.create_customer(account)
        async with self.database.begin() as connection:
            return await queries.add_customer(connection, account, customer)

    async def _perform(self, operation: Operation) -> Result:
        """An end that is known is written down; otherwise somebody tries again."""
        steps: Mapping[str, Callable[[Operation], Awaitable[Result]]] = {
            "subscribe": self._subscribe,
            "change": self._change,
            "end": self._end,
            "resume": self._resume,
            "pay": self._pay,
            "refund": self._refund,
            "erase": self._erase,
        }
        try:
            async with asyncio.timeout(LEASE_SECONDS * _LEASE_SHARE):
                result = await steps[operation.kind](operation)
        except (DeclinedError, BadRequestError, NotFoundError) as error:
            await self.syncer.sync(operation.account)
            await self._finish(operation, "refused", {"code": error.code})
            raise
        except (UpstreamError, UnavailableError):
            await self._leave(operation)
            raise
        except TimeoutError as error:
            await self._leave(operation)
            raise UpstreamError("Stripe takes too long") from error
        await self.syncer.sync(operation.account)
        await self._finish(operation, "done", result)
        return result

    async def _finish(self, operation: Operation, state: str, result: Result) -> None:
        async with self.database.begin() as connection:
            is_ours = await queries.finish(connection, operation.id, state, result)
            if is_ours and operation.kind == "refund" and state == "done":
                event = Event(
                    f"payment.refunded:{operation.id}",
                    "payment.refunded",
                    operation.account,
                    {"amount": format_money(result["amount_minor"], result["currency"])},
                )
                await outbox.post(connection, event, self.now())

    async def _leave(self, operation: Operation) -> None:
        until = self.now() + RETRY_SECONDS * min(operation.attempts, 100)
        async with self.database.begin() as connection:
            await queries.let_go(connection, operation.id, until)

    async def _subscribe(self, operation: Operation) -> Result:
        customer = await self.customer(operation.account)
        made = await self._made_by(operation, customer)
        if made is None:
            asked = operation.asked
            await self.stripe.subscribe(
                customer, asked["stripe_plan"], asked["trial_days"], operation.id
            )
        return {}

    async def _made_by(self, operation: Operation, customer: str) -> Standing | None:
        """What an earlier attempt made, of which we did not hear."""
        if operation.attempts == 1:
            return None
        standings = await self.stripe.subscriptions(customer)
        return next((each for each in standings if each.operation == operation.id), None)

    async def _change(self, operation: Operation) -> Result:
        standing, wanted = await self._standing(operation), operation.asked["stripe_plan"]
        if standing.stripe_plan != wanted:
            await self.stripe.change(standing, wanted, operation.id)
        return {}

    async def _end(self, operation: Operation) -> Result:
        """With the period that is had already; at once when none is."""
        standing = await self._standing(operation)
        if state_of(standing) in PAID_AHEAD:
            await self.stripe.set_ending(standing.id, True, operation.id)
        else:
            await self.stripe.cancel(standing.id, operation.id)
        return {}

    async def _resume(self, operation: Operation) -> Result:
        standing = await self._standing(operation)
        await self.stripe.set_ending(standing.id, False, operation.id)
        return {}

    async def _pay(self, operation: Operation) -> Result:
        """Try to collect what is owed, now that there is another means of payment."""
        customer = await self.customer(operation.account)
        for invoice in await self.stripe.invoices(customer, 10):
            if invoice.status == "open":
                await self.stripe.pay(invoice.id, f"{operation.id}-{invoice.id}")
        return {}

    async def _refund(self, operation: Operation) -> Result:
        asked = operation.asked
        customer = await self.customer(operation.account)
        invoice = await self.stripe.invoice(asked["invoice"])
        if invoice.customer != customer:
            raise NotFoundError("the account has no such invoice")
        payment = await self.stripe.payment_of(invoice)
        if not payment:
            raise RefusedError("nothing was paid by this invoice")
        given = await self.stripe.refunds(payment)
        made = next((each for each in given if each.operation == operation.id), None)
        if made is None:
            left_minor = invoice.paid_minor - sum(each.amount_minor for each in given)
            amount_minor = asked["amount_minor"] or left_minor
            if not 0 < amount_minor <= left_minor:
                raise RefusedError(f"{left_minor} of this invoice can be given back")
            made = await self.stripe.refund(payment, amount_minor, operation.id)
        return _shown(made)

    async def _erase(self, operation: Operation) -> Result:
        await self.stripe.delete_customer(operation.asked["customer"], operation.id)
        return {}

    async def _standing(self, operation: Operation) -> Standing:
        customer = await self.customer(operation.account)
        standing = pick(await self.stripe.subscriptions(customer))
        if standing is None:
            raise NotFoundError("there is no subscription")
        return standing


def owes(row: Subscription | None) -> bool:
    """Whether a new means of payment may settle something."""
    return row is not None and row.state in OWING


def _shown(refund: Refund) -> Result:
    return {
        "refund": refund.id,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
    }
