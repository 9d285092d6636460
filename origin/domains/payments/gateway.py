"""Everything that is asked of Stripe, in our records and errors: the one module with its library.

The library (`stripe`, extra `pay`) is imported when payments are opened. Decides whose fault a
failure is: a card that was declined, a request that Stripe refuses, or Stripe not answering, after
which nobody knows whether it was done. Writes carry the idempotency key of their operation.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from cdnkit.errors import BadRequestError, CinedgeError, Fault, UnavailableError, UpstreamError
from config.service import Payments
from origin.domains.payments.rules import Standing

_LISTED: Final = 100
_RETRIES: Final = 1


class DeclinedError(CinedgeError):
    """The means of payment was refused by its bank."""

    status = 402
    code = "payment-declined"
    fault = Fault.CLIENT


class RefusedError(BadRequestError):
    """Stripe does not do this; asking again cannot help."""

    code = "payment-refused"


class SignatureError(BadRequestError):
    """A webhook that Stripe did not send."""

    code = "bad-signature"


@dataclass(frozen=True, slots=True)
class Method:
    """A means of payment as a person recognises it."""

    id: str
    brand: str
    last4: str
    expires: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Invoice:
    """What was or will be charged, in minor units."""

    id: str
    customer: str
    status: str
    currency: str
    total_minor: int
    paid_minor: int
    created: float
    payment: str
    url: str


@dataclass(frozen=True, slots=True)
class Payment:
    """The collecting of an invoice, which its payer may have to confirm in the browser."""

    client_secret: str
    status: str
    amount_minor: int
    currency: str
    problem: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a preview."""

    text: str
    amount_minor: int
    is_proration: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What the next invoice would be."""

    currency: str
    due_minor: int
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Refund:
    """What was given back."""

    id: str
    amount_minor: int
    currency: str
    operation: str


@dataclass(frozen=True, slots=True)
class Told:
    """A webhook event: which customer it is about, empty when about none."""

    id: str
    kind: str
    customer: str


class Stripe:
    """One account of Stripe's. Every call but `read_event` raises DeclinedError, RefusedError, and
    UpstreamError when Stripe does not answer."""

    def __init__(self, settings: Payments) -> None:
        try:
            self._library: Any = importlib.import_module("stripe")
        except ImportError as error:
            raise UnavailableError("payments need stripe: pip install 'cinedge[pay]'") from error
        # It tells of every request twice; failures reach our log as errors.
        logging.getLogger("stripe").setLevel(logging.WARNING)
        self._webhook_secret = settings.webhook.secret if settings.webhook else ""
        timeout = aiohttp.ClientTimeout(total=settings.timeout_seconds)
        self._http: Any = self._library.AIOHTTPClient(timeout=timeout)
        where = {"base_addresses": {"api": settings.api_url}} if settings.api_url else {}
        client = self._library.StripeClient(
            settings.secret, http_client=self._http, max_network_retries=_RETRIES, **where
        )
        self._v1: Any = client.v1

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()

    async def create_customer(self, account: str) -> str:
        """The customer of an account; asked twice within a day, the same one."""
        async with self._asking():
            made = await self._v1.customers.create_async(
                {"metadata": {"account": account}}, {"idempotency_key": f"customer-{account}"}
            )
        return str(made.id)

    async def delete_customer(self, customer: str, key: str) -> None:
        """Forget a customer; what it subscribed to ends at once. One that is gone is gone."""
        try:
            async with self._asking():
                await self._v1.customers.delete_async(customer, {}, {"idempotency_key": key})
        except RefusedError as error:
            if error.extra.get("stripe_status") != 404:
                raise

    async def subscriptions(self, customer: str) -> Sequence[Standing]:
        """All of a customer's, ended ones too."""
        async with self._asking():
            found = await self._v1.subscriptions.list_async(
                {"customer": customer, "status": "all", "limit": _LISTED}
            )
        return [read_standing(each.to_dict()) for each in found.data]

    async def subscribe(
        self, customer: str, stripe_plan: str, trial_days: int, operation: str
    ) -> None:
        """Begin a subscription. Stripe keeps the operation's id with it."""
        asked: dict[str, Any] = {
            "customer": customer,
            "items": [{"plan": stripe_plan}],
            "metadata": {"operation": operation},
            "payment_behavior": "allow_incomplete",
        }
        if trial_days:
            asked["trial_period_days"] = trial_days
        async with self._asking():
            await self._v1.subscriptions.create_async(asked, {"idempotency_key": operation})

    async def change(self, standing: Standing, stripe_plan: str, key: str) -> None:
        """Another plan from now on; what was paid ahead is set off (Stripe's default)."""
        items = [{"id": standing.item, "plan": stripe_plan}]
        await self._update(standing.id, {"items": items}, key)

    async def set_ending(self, subscription: str, ending: bool, key: str) -> None:
        """End with the period, or go on after all."""
        await self._update(subscription, {"cancel_at_period_end": ending}, key)

    async def cancel(self, subscription: str, key: str) -> None:
        """End at once."""
        async with self._asking():
            await self._v1.subscriptions.cancel_async(subscription, {}, {"idempotency_key": key})

    async def _update(self, subscription: str, asked: dict[str, Any], key: str) -> None:
        async with self._asking():
            await self._v1.subscriptions.update_async(subscription, asked, {"idempotency_key": key})

    async def preview(self, customer: str, standing: Standing, stripe_plan: str) -> Preview:
        """The next invoice if the plan changed now."""
        items = [{"id": standing.item, "plan": stripe_plan}]
        async with self._asking():
            made = await self._v1.invoices.create_preview_async(
                {
                    "customer": customer,
                    "subscription": standing.id,
                    "subscription_details": {"items": items},
                }
            )
        return read_preview(made.to_dict())

    async def begin_setup(self, customer: str) -> str:
        """The secret with which a browser adds a means of payment at Stripe."""
        async with self._asking():
            made = await self._v1.setup_intents.create_async(
                {"customer": customer, "usage": "off_session"}
            )
        return str(made.client_secret)

    async def attach(self, customer: str, method: str) -> str:
        """Charge this one from now on; its id, which Stripe may have changed."""
        async with self._asking():
            kept = await self._v1.payment_methods.attach_async(method, {"customer": customer})
            await self._v1.customers.update_async(
                customer, {"invoice_settings": {"default_payment_method": kept.id}}
            )
        return str(kept.id)

    async def methods(self, customer: str) -> Sequence[Method]:
        """A customer's means of payment."""
        async with self._asking():
            known = (await self._v1.customers.retrieve_async(customer)).to_dict()
            found = await self._v1.payment_methods.list_async(
                {"customer": customer, "type": "card", "limit": _LISTED}
            )
        default = (known.get("invoice_settings") or {}).get("default_payment_method") or ""
        return [read_method(each.to_dict(), default) for each in found.data]

    async def detach(self, method: str) -> None:
        """Never charge it again."""
        async with self._asking():
            await self._v1.payment_methods.detach_async(method)

    async def invoices(self, customer: str, limit: int, after: str = "") -> Sequence[Invoice]:
        """A customer's invoices, newest first."""
        asked: dict[str, Any] = {"customer": customer, "limit": limit}
        if after:
            asked["starting_after"] = after
        async with self._asking():
            found = await self._v1.invoices.list_async(asked)
        return [read_invoice(each.to_dict()) for each in found.data]

    async def invoice(self, id: str) -> Invoice:
        """One invoice."""
        async with self._asking():
            return read_invoice((await self._v1.invoices.retrieve_async(id)).to_dict())

    async def pay(self, invoice: str, key: str) -> None:
        """Try to collect an open invoice now."""
        async with self._asking():
            await self._v1.invoices.pay_async(invoice, {}, {"idempotency_key": key})

    async def payment_of(self, invoice: Invoice) -> str:
        """The payment of an invoice; newer versions of the API list them apart."""
        if invoice.payment:
            return invoice.payment
        async with self._asking():
            found = await self._v1.invoice_payments.list_async({"invoice": invoice.id})
        payments = (each.to_dict().get("payment") or {} for each in found.data)
        return next((str(each["payment_intent"]) for each in payments if each), "")

    async def payment(self, id: str) -> Payment:
        """How far a payment is."""
        async with self._asking():
            return read_payment((await self._v1.payment_intents.retrieve_async(id)).to_dict())

    async def refunds(self, payment: str) -> Sequence[Refund]:
        """What was given back of a payment."""
        async with self._asking():
            found = await self._v1.refunds.list_async({"payment_intent": payment, "limit": _LISTED})
        return [_read_refund(each.to_dict()) for each in found.data]

    async def refund(self, payment: str, amount_minor: int, operation: str) -> Refund:
        """Give some of a payment back."""
        async with self._asking():
            made = await self._v1.refunds.create_async(
                {
                    "payment_intent": payment,
                    "amount": amount_minor,
                    "metadata": {"operation": operation},
                },
                {"idempotency_key": operation},
            )
        return _read_refund(made.to_dict())

    def read_event(self, payload: bytes, signature: str) -> Told:
        """A webhook that Stripe signed. Raises SignatureError."""
        if not signature.isascii():
            # The library compares texts, which Python refuses for others.
            raise SignatureError("the signature is not Stripe's")
        try:
            event = self._library.Webhook.construct_event(payload, signature, self._webhook_secret)
        except (ValueError, self._library.SignatureVerificationError) as error:
            raise SignatureError("the signature is not Stripe's, or too old") from error
        return read_event(event.to_dict())

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        library = self._library
        try:
            yield
        except library.CardError as error:
            raise DeclinedError(error.user_message or "the payment was declined") from error
        except (library.InvalidRequestError, library.IdempotencyError) as error:
            detail = error.user_message or "Stripe refuses this"
            raise RefusedError(detail, stripe_status=error.http_status) from error
        except (library.StripeError, aiohttp.ClientError, TimeoutError) as error:
            raise UpstreamError(f"Stripe: {type(error).__name__}") from error


def read_standing(found: Mapping[str, Any]) -> Standing:
    """A subscription; newer versions of the API have periods with the items."""
    item = found["items"]["data"][0]
    plan = item.get("plan") or item.get("price") or {}
    return Standing(
        id=found["id"],
        status=found["status"],
        item=item["id"],
        stripe_plan=plan.get("id", ""),
        currency=plan.get("currency", ""),
        period_end=_period_end(found, item),
        ending=bool(found.get("cancel_at_period_end")),
        created=float(found["created"]),
        operation=(found.get("metadata") or {}).get("operation", ""),
    )


def _period_end(found: Mapping[str, Any], item: Mapping[str, Any]) -> float:
    if found["status"] == "trialing" and found.get("trial_end"):
        return float(found["trial_end"])
    return float(item.get("current_period_end") or found.get("current_period_end") or 0)


def read_method(found: Mapping[str, Any], default: str) -> Method:
    """A means of payment."""
    card = found.get("card") or {}
    expires = f"{card.get('exp_year', 0):04}-{card.get('exp_month', 0):02}"
    return Method(
        found["id"],
        str(card.get("brand", "")),
        str(card.get("last4", "")),
        expires,
        found["id"] == default,
    )


def read_invoice(found: Mapping[str, Any]) -> Invoice:
    """An invoice."""
    return Invoice(
        id=found["id"],
        customer=found["customer"],
        status=found["status"] or "draft",
        currency=found["currency"],
        total_minor=found["total"],
        paid_minor=found["amount_paid"],
        created=float(found["created"]),
        payment=found.get("payment_intent") or "",
        url=found.get("hosted_invoice_url") or "",
    )


def read_payment(found: Mapping[str, Any]) -> Payment:
    """A payment; why its last attempt failed in Stripe's words, which are for the payer."""
    return Payment(
        client_secret=found["client_secret"],
        status=found["status"],
        amount_minor=found["amount"],
        currency=found["currency"],
        problem=(found.get("last_payment_error") or {}).get("message") or "",
    )


def read_preview(found: Mapping[str, Any]) -> Preview:
    """A preview."""
    lines = [
        Line(each.get("description") or "", each["amount"], _is_proration(each))
        for each in found["lines"]["data"]
    ]
    return Preview(found["currency"], found["amount_due"], lines)


def _is_proration(line: Mapping[str, Any]) -> bool:
    details = (line.get("parent") or {}).values()
    inner = any(each.get("proration") for each in details if isinstance(each, dict))
    return bool(line.get("proration")) or inner


def _read_refund(found: Mapping[str, Any]) -> Refund:
    operation = (found.get("metadata") or {}).get("operation", "")
    return Refund(found["id"], found["amount"], found["currency"], operation)


def read_event(found: Mapping[str, Any]) -> Told:
    """Which customer an event is about. What it says of the customer is not believed."""
    about = (found.get("data") or {}).get("object") or {}
    customer = about.get("id") if about.get("object") == "customer" else about.get("customer")
    return Told(found["id"], found["type"], customer if isinstance(customer, str) else "")
