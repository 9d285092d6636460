"""What Stripe tells by itself: believed only that something changed, and only with its signature.

An event that came before is answered and does nothing; one we do not know likewise, since Stripe
adds kinds without asking. What a known one says of the subscription is not read: it may be old.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from cdnkit.errors import NotFoundError, TooLargeError, UpstreamError
from cdnkit.service.bodies import read_body
from cdnkit.service.operations import Answer, operation, reply
from origin.catalog.database import Database
from origin.domains.payments import queries, shapes
from origin.domains.payments.gateway import SignatureError, Stripe
from origin.domains.payments.syncing import Syncer

BODY_BYTES_MAX: Final = 512 * 1024
_SIGNATURE: Final = "Stripe-Signature"
_KNOWN: Final = ("customer.subscription.", "invoice.")


class Webhook:
    """The route that Stripe posts to."""

    def __init__(
        self,
        database: Database,
        stripe: Stripe,
        syncer: Syncer,
        now: Callable[[], float],
        *,
        is_on: bool,
    ) -> None:
        self._database = database
        self._stripe = stripe
        self._syncer = syncer
        self._now = now
        self._is_on = is_on

    def routes(self) -> Sequence[web.RouteDef]:
        """What to mount."""
        return [web.post("/v1/payments/webhook", self.take)]

    @operation(
        tag="payments",
        problems=(SignatureError, NotFoundError, TooLargeError, UpstreamError),
        fields={_SIGNATURE: "Time and signature of the body, by Stripe's scheme v1."},
        body_type="application/json",
        answers={200: Answer("Taken.", shapes.WebhookView)},
    )
    async def take(self, request: web.Request) -> web.Response:
        """An event of Stripe's."""
        if not self._is_on:
            raise NotFoundError("webhooks are off here")
        payload = await read_body(request, BODY_BYTES_MAX)
        event = self._stripe.read_event(payload, request.headers.get(_SIGNATURE, ""))
        if not event.kind.startswith(_KNOWN):
            return reply(shapes.WebhookView(handled=False))
        async with self._database.begin() as connection:
            is_new = await queries.note_event(connection, event.id, event.kind, self._now())
            row = await queries.find_customer(connection, event.customer)
        if is_new and row is not None:
            await self._syncer.sync(row.account)
        async with self._database.begin() as connection:
            await queries.handled_event(connection, event.id, self._now())
        return reply(shapes.WebhookView(handled=is_new and row is not None))
