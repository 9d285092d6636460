"""The routes of plans, subscription, means of payment, invoices and refunds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from aiohttp import web

from cdnkit.errors import BadRequestError, ConflictError, NotFoundError, UpstreamError
from cdnkit.service.operations import Answer, operation, reply
from cdnkit.service.viewers import Viewer
from origin.catalog.database import Database
from origin.domains.payments import queries, shapes
from origin.domains.payments.gateway import DeclinedError, RefusedError, Stripe
from origin.domains.payments.operations import BusyError, Desk, owes
from origin.domains.payments.plans import Plans, UnknownPlanError
from origin.domains.payments.rules import LIVE, Action, NotNowError, check_action, pick

TAG: Final = "payments"
_SUBSCRIPTION: Final = {200: Answer("As it is now.", shapes.SubscriptionView)}
_ASKING: Final = (BadRequestError, RefusedError, UpstreamError)
_DOING: Final = (*_ASKING, BusyError, DeclinedError, NotNowError)


class MethodNeededError(ConflictError):
    """Nothing can be charged as long as there is no means of payment."""

    code = "payment-method-needed"


class Handlers:
    """What people ask of their payments."""

    def __init__(
        self, database: Database, desk: Desk, stripe: Stripe, plans: Plans, publishable_key: str
    ) -> None:
        self._database = database
        self._desk = desk
        self._stripe = stripe
        self._plans = plans
        self._publishable_key = publishable_key

    def routes(self) -> Sequence[web.RouteDef]:
        """What to mount."""
        return [
            web.get("/v1/plans", self.list_plans),
            web.get("/v1/subscription", self.get),
            web.post("/v1/subscription", self.subscribe),
            web.patch("/v1/subscription", self.change),
            web.delete("/v1/subscription", self.end),
            web.get("/v1/subscription/preview", self.preview),
            web.post("/v1/payment-methods/setup", self.begin_setup),
            web.get("/v1/payment-methods", self.list_methods),
            web.post("/v1/payment-methods", self.add_method),
            web.delete("/v1/payment-methods/{id}", self.remove_method),
            web.get("/v1/invoices", self.list_invoices),
            web.post("/v1/refunds", self.refund),
        ]

    @operation(tag=TAG)
    async def list_plans(self, request: web.Request) -> shapes.PlansView:
        """What can be subscribed to."""
        return shapes.PlansView(items=[shapes.PlanView.of(plan) for plan in self._plans.all])

    @operation(tag=TAG)
    async def get(self, request: web.Request, viewer: Viewer) -> shapes.SubscriptionView:
        """What the account has."""
        return await self._view(viewer.account)

    @operation(
        tag=TAG,
        problems=(*_DOING, MethodNeededError, UnknownPlanError),
        answers={201: Answer("It has begun, or waits for its payment.", shapes.SubscriptionView)},
    )
    async def subscribe(
        self, request: web.Request, viewer: Viewer, body: shapes.NewSubscription
    ) -> web.Response:
        """Begin a subscription; asked twice, it begins once."""
        price = self._plans.price(body.plan, body.currency or "")
        plan = self._plans.find(body.plan)
        customer = await self._desk.customer(viewer.account)
        if not await self._stripe.methods(customer):
            raise MethodNeededError("add a means of payment first")
        asked = {"stripe_plan": price.stripe, "trial_days": plan.trial_days if plan else 0}
        check = partial(check_action, action=Action.SUBSCRIBE)
        await self._desk.do(viewer.account, "subscribe", asked, check)
        return reply(await self._view(viewer.account), 201)

    @operation(tag=TAG, problems=(*_DOING, UnknownPlanError), answers=_SUBSCRIPTION)
    async def change(
        self, request: web.Request, viewer: Viewer, body: shapes.SubscriptionChange
    ) -> web.Response:
        """Another plan from now on, or go on after all."""
        if (body.plan is None) == (body.cancel_at_period_end is None):
            raise BadRequestError("name either 'plan' or 'cancel_at_period_end'")
        account = viewer.account
        if body.plan is not None:
            price = self._plans.price(body.plan, (await self._view(account)).currency)
            check = partial(check_action, action=Action.CHANGE)
            await self._desk.do(account, "change", {"stripe_plan": price.stripe}, check)
        elif body.cancel_at_period_end:
            await self._end(account)
        else:
            check = partial(check_action, action=Action.RESUME)
            await self._desk.do(account, "resume", {}, check)
        return reply(await self._view(account))

    @operation(tag=TAG, problems=_DOING, answers=_SUBSCRIPTION)
    async def end(self, request: web.Request, viewer: Viewer) -> web.Response:
        """End with the period that is paid; at once when nothing is."""
        await self._end(viewer.account)
        return reply(await self._view(viewer.account))

    async def _end(self, account: str) -> None:
        await self._desk.do(account, "end", {}, partial(check_action, action=Action.CANCEL))

    @operation(tag=TAG, problems=(*_ASKING, NotNowError, UnknownPlanError))
    async def preview(
        self, request: web.Request, viewer: Viewer, query: shapes.PreviewQuery
    ) -> shapes.PreviewView:
        """What the next invoice would be with another plan."""
        async with self._database.reading() as connection:
            row = await queries.find(connection, viewer.account)
        check_action(row, Action.CHANGE)
        assert row is not None
        price = self._plans.price(query.plan, row.currency)
        standing = pick(await self._stripe.subscriptions(row.customer))
        if standing is None:
            raise NotNowError("there is no subscription any more", state=str(row.state))
        return shapes.PreviewView.of(
            await self._stripe.preview(row.customer, standing, price.stripe)
        )

    @operation(
        tag=TAG, problems=_ASKING, answers={201: Answer("For the browser.", shapes.SetupView)}
    )
    async def begin_setup(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Begin to add a means of payment; the card goes from the browser to Stripe."""
        customer = await self._desk.customer(viewer.account)
        secret = await self._stripe.begin_setup(customer)
        view = shapes.SetupView(client_secret=secret, publishable_key=self._publishable_key)
        return reply(view, 201)

    @operation(tag=TAG, problems=_ASKING)
    async def list_methods(self, request: web.Request, viewer: Viewer) -> shapes.MethodsView:
        """What can be charged."""
        async with self._database.reading() as connection:
            row = await queries.find(connection, viewer.account)
        found = await self._stripe.methods(row.customer) if row else []
        return shapes.MethodsView(items=[shapes.MethodView.of(each) for each in found])

    @operation(
        tag=TAG,
        problems=_DOING,
        answers={201: Answer("It is charged from now on.", shapes.MethodMade)},
    )
    async def add_method(
        self, request: web.Request, viewer: Viewer, body: shapes.NewMethod
    ) -> web.Response:
        """Charge this one from now on, and what is owed at once."""
        customer = await self._desk.customer(viewer.account)
        kept = await self._stripe.attach(customer, body.payment_method)
        async with self._database.reading() as connection:
            row = await queries.find(connection, viewer.account)
        if owes(row):
            await self._desk.do(viewer.account, "pay", {})
        return reply(shapes.MethodMade(id=kept), 201)

    @operation(
        tag=TAG,
        problems=(*_ASKING, ConflictError, NotFoundError),
        answers={204: Answer("It is never charged again.")},
    )
    async def remove_method(
        self, request: web.Request, viewer: Viewer, path: shapes.MethodPath
    ) -> web.Response:
        """Never charge it again."""
        async with self._database.reading() as connection:
            row = await queries.find(connection, viewer.account)
        found = await self._stripe.methods(row.customer) if row else []
        method = next((each for each in found if each.id == path.id), None)
        if row is None or method is None:
            raise NotFoundError("there is no such means of payment")
        if method.is_default and row.state in LIVE and not row.ending:
            raise ConflictError("the subscription is charged to it; add another first")
        await self._stripe.detach(method.id)
        return web.Response(status=204)

    @operation(tag=TAG, problems=_ASKING)
    async def list_invoices(
        self, request: web.Request, viewer: Viewer, query: shapes.InvoicesQuery
    ) -> shapes.InvoicesView:
        """What was charged, newest first."""
        async with self._database.reading() as connection:
            row = await queries.find(connection, viewer.account)
        if row is None:
            return shapes.InvoicesView(items=[], next=None)
        found = await self._stripe.invoices(row.customer, query.limit, query.after or "")
        full = len(found) == query.limit
        return shapes.InvoicesView(
            items=[shapes.InvoiceView.of(each) for each in found],
            next=found[-1].id if full else None,
        )

    @operation(
        tag=TAG,
        scope="operate",
        problems=(*_ASKING, BusyError, NotFoundError),
        answers={201: Answer("It is on its way back.", shapes.RefundView)},
    )
    async def refund(self, request: web.Request, body: shapes.NewRefund) -> web.Response:
        """Give back some of an invoice, or all that is left of it."""
        async with self._database.reading() as connection:
            if await queries.find(connection, body.account) is None:
                raise NotFoundError("the account never paid anything")
        asked = {"invoice": body.invoice, "amount_minor": body.amount_minor or 0}
        made = await self._desk.do(body.account, "refund", asked)
        return reply(shapes.RefundView(**made), 201)

    async def _view(self, account: str) -> shapes.SubscriptionView:
        async with self._database.reading() as connection:
            row = await queries.find(connection, account)
            entitlement = await queries.entitlement_of(connection, account)
        return shapes.SubscriptionView.of(row, entitlement)
