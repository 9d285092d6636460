"""What a page in the browser needs to take a card, and to confirm a payment that asks for it.

A bank may want its customer to confirm a payment (3-D Secure). Stripe then leaves it open, and its
script in the page lets the customer do so with the payment's `client_secret`. That the page is done
is told here, and makes us read the subscription anew; what it says of the result is not believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from cdnkit.errors import NotFoundError, UnavailableError, UpstreamError
from cdnkit.service.operations import Answer, operation, reply
from cdnkit.service.viewers import Viewer
from origin.catalog.database import Database
from origin.domains.payments import queries, shapes
from origin.domains.payments.gateway import RefusedError, Stripe
from origin.domains.payments.operations import owes
from origin.domains.payments.syncing import Syncer

_TAG: Final = "payments"
_ASKING: Final = (NotFoundError, RefusedError, UnavailableError, UpstreamError)
_INVOICES: Final = 10
"""Of the newest, how many may be paid before one that is not."""


class BrowserHandlers:
    """The page's side of paying."""

    def __init__(
        self, database: Database, stripe: Stripe, syncer: Syncer, page: shapes.PaymentPageView
    ) -> None:
        self._database = database
        self._stripe = stripe
        self._syncer = syncer
        self._page = page

    def routes(self) -> Sequence[web.RouteDef]:
        """What to mount."""
        return [
            web.get("/v1/payments/page", self.get_page),
            web.get("/v1/subscription/payment", self.get_payment),
            web.post("/v1/subscription/payment", self.look_again),
        ]

    @operation(tag=_TAG)
    async def get_page(self, request: web.Request) -> shapes.PaymentPageView:
        """What takes cards in the browser."""
        return self._page

    @operation(tag=_TAG, problems=_ASKING)
    async def get_payment(self, request: web.Request, viewer: Viewer) -> shapes.PaymentView:
        """The payment that the subscription waits for."""
        async with self._database.reading() as connection:
            row = await queries.find(connection, viewer.account)
        if row is not None and owes(row):
            for invoice in await self._stripe.invoices(row.customer, _INVOICES):
                payment = await self._stripe.payment_of(invoice) if invoice.status == "open" else ""
                if payment:
                    return shapes.PaymentView.of(await self._stripe.payment(payment))
        raise NotFoundError("no payment is waited for")

    @operation(
        tag=_TAG,
        problems=_ASKING,
        answers={200: Answer("As it is now.", shapes.SubscriptionView)},
    )
    async def look_again(self, request: web.Request, viewer: Viewer) -> web.Response:
        """The payment was confirmed, or given up: read the subscription anew."""
        row = await self._syncer.sync(viewer.account)
        if row is None:
            raise NotFoundError("the account never paid anything")
        async with self._database.reading() as connection:
            entitlement = await queries.entitlement_of(connection, viewer.account)
        return reply(shapes.SubscriptionView.of(row, entitlement))
