"""What comes in and goes out of the payments' routes. Bodies that come in are `Cardless`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Shape
from config.service import Plan
from origin.domains.payments.cards import Cardless
from origin.domains.payments.gateway import Invoice, Method, Payment, Preview
from origin.domains.payments.rules import Entitlement, State, Subscription

PlanId = Annotated[str, Field(min_length=1, max_length=40)]
Currency = Annotated[str, Field(pattern=r"^[a-z]{3}$")]
MethodId = Annotated[str, Field(max_length=255, pattern=r"^(pm|card|src)_[A-Za-z0-9_]+$")]
InvoiceId = Annotated[str, Field(max_length=255, pattern=r"^in_[A-Za-z0-9_]+$")]


class PriceView(Shape):
    """What a plan costs, in minor units."""

    currency: str
    amount_minor: int


class PlanView(Shape):
    """Something to subscribe to."""

    id: str
    name: str
    prices: list[PriceView]
    interval: str
    streams_max: int
    height_max: int
    trial_days: int

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """A plan without what only Stripe needs."""
        return cls(
            id=plan.id,
            name=plan.name,
            prices=[
                PriceView(currency=price.currency, amount_minor=price.amount_minor)
                for price in plan.prices
            ],
            interval=plan.interval,
            streams_max=plan.streams_max,
            height_max=plan.height_max,
            trial_days=plan.trial_days,
        )


class PlansView(Shape):
    """All plans."""

    items: list[PlanView]


class SubscriptionView(Shape):
    """What an account has. Times in epoch seconds."""

    state: State
    plan: str
    currency: str
    period_end: float
    cancel_at_period_end: bool
    entitled_until: float = Field(description="Films play until then; 0: they do not.")

    @classmethod
    def of(cls, row: Subscription | None, entitlement: Entitlement | None) -> Self:
        """Rows, or that there are none."""
        return cls(
            state=row.state if row else State.NONE,
            plan=row.plan if row else "",
            currency=row.currency if row else "",
            period_end=row.period_end if row else 0.0,
            cancel_at_period_end=row.ending if row else False,
            entitled_until=entitlement.until if entitlement else 0.0,
        )


class NewSubscription(Cardless):
    """Which plan, in which of its currencies."""

    plan: PlanId
    currency: Currency | None = None


class SubscriptionChange(Cardless):
    """Another plan, or false to go on after an end was asked for; one of the two."""

    plan: PlanId | None = None
    cancel_at_period_end: bool | None = None


class PreviewQuery(Shape):
    """The plan one thinks of."""

    plan: PlanId


class LineView(Shape):
    """One line of a preview, in minor units."""

    text: str
    amount_minor: int
    proration: bool


class PreviewView(Shape):
    """The next invoice if the plan changed now."""

    currency: str
    due_minor: int
    lines: list[LineView]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """A preview."""
        return cls(
            currency=preview.currency,
            due_minor=preview.due_minor,
            lines=[
                LineView(
                    text=each.text, amount_minor=each.amount_minor, proration=each.is_proration
                )
                for each in preview.lines
            ],
        )


class SetupView(Shape):
    """What the browser needs to give a card to Stripe."""

    client_secret: str
    publishable_key: str


class PaymentPageView(Shape):
    """What takes cards in the browser."""

    script_url: str
    publishable_key: str


class PaymentView(Shape):
    """A payment that waits, in minor units."""

    client_secret: str = Field(description="With it the payer confirms the payment at Stripe.")
    status: str = Field(description="In Stripe's words; `requires_action`: to be confirmed.")
    currency: str
    amount_minor: int
    problem: str = Field(description="Why the last attempt failed; empty when none has.")

    @classmethod
    def of(cls, payment: Payment) -> Self:
        """A payment."""
        return cls(
            client_secret=payment.client_secret,
            status=payment.status,
            currency=payment.currency,
            amount_minor=payment.amount_minor,
            problem=payment.problem,
        )


class NewMethod(Cardless):
    """A means of payment by its id; nothing of a card."""

    payment_method: MethodId


class MethodPath(Shape):
    """Names a means of payment."""

    id: MethodId


class MethodView(Shape):
    """A means of payment as a person recognises it."""

    id: str
    brand: str
    last4: str
    expires: str
    default: bool

    @classmethod
    def of(cls, method: Method) -> Self:
        """A means of payment."""
        return cls(
            id=method.id,
            brand=method.brand,
            last4=method.last4,
            expires=method.expires,
            default=method.is_default,
        )


class MethodsView(Shape):
    """All means of payment of an account."""

    items: list[MethodView]


class MethodMade(Shape):
    """The means of payment as Stripe names it from now on."""

    id: str


class InvoicesQuery(Shape):
    """Which part of the invoices is asked for."""

    after: InvoiceId | None = None
    limit: Annotated[int, Field(ge=1, le=100), DIGITS] = 20


class InvoiceView(Shape):
    """One invoice, in minor units."""

    id: str
    at: float
    status: str
    currency: str
    total_minor: int
    paid_minor: int
    url: str

    @classmethod
    def of(cls, invoice: Invoice) -> Self:
        """An invoice."""
        return cls(
            id=invoice.id,
            at=invoice.created,
            status=invoice.status,
            currency=invoice.currency,
            total_minor=invoice.total_minor,
            paid_minor=invoice.paid_minor,
            url=invoice.url,
        )


class InvoicesView(Shape):
    """A part of an account's invoices, newest first."""

    items: list[InvoiceView]
    next: str | None = Field(description="The `after` of the next page; null at the end.")


class NewRefund(Cardless):
    """How much of which invoice; all that is left of it when no amount is named."""

    account: Annotated[str, Field(max_length=60, pattern=r"^[A-Za-z0-9_-]+$")]
    invoice: InvoiceId
    amount_minor: Annotated[int, Field(ge=1, le=10**9)] | None = None


class RefundView(Shape):
    """What was given back."""

    refund: str
    amount_minor: int
    currency: str


class WebhookView(Shape):
    """Whether it told us something new."""

    handled: bool
