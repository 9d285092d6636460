"""Orders to the edges over HTTP, and what the edges answer.

POST  /v1/purge                 {"title": ID}, …                  202, Location
GET   /v1/purges                orders, the newest first          200
GET   /v1/purges/{id}           one order, with all its edges     200
POST  /v1/warm, /v1/pin, /v1/unpin; GET /v1/warms, /v1/pins       the same
POST  /v1/receipts              from edges                        204
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from aiohttp import web

from cdnkit.errors import BadRequestError, NotFoundError
from cdnkit.service.bodies import read_json
from cdnkit.service.exchange import note
from cdnkit.wire import (
    PIN_PATH,
    PINS_PATH,
    PURGE_PATH,
    PURGES_PATH,
    RECEIPTS_PATH,
    UNPIN_PATH,
    WARM_PATH,
    WARMS_PATH,
    ChangeKind,
)
from origin.catalog.orders import OrderRow, Orders
from origin.orders import declared
from origin.orders.orders import Given, Maker
from origin.orders.said import parse_receipts
from origin.orders.standing import OFFLINE_SECONDS, describe_order
from origin.requests import Authorize

PURGE_SCOPE: Final = "purge"
OPERATE_SCOPE: Final = "operate"
EDGE_SCOPE: Final = "edge"

_GIVEN: Final = (
    (PURGE_PATH, PURGES_PATH, ChangeKind.PURGE, PURGE_SCOPE),
    (WARM_PATH, WARMS_PATH, ChangeKind.WARM, OPERATE_SCOPE),
    (PIN_PATH, PINS_PATH, ChangeKind.PIN, OPERATE_SCOPE),
    (UNPIN_PATH, PINS_PATH, ChangeKind.UNPIN, OPERATE_SCOPE),
)
_LISTED: Final = (
    (PURGES_PATH, (ChangeKind.PURGE,), PURGE_SCOPE),
    (WARMS_PATH, (ChangeKind.WARM,), OPERATE_SCOPE),
    (PINS_PATH, (ChangeKind.PIN, ChangeKind.UNPIN), OPERATE_SCOPE),
)


class OrderHandlers:
    """Handlers of orders and receipts."""

    def __init__(
        self, orders: Orders, maker: Maker, authorize: Authorize, now: Callable[[], float]
    ) -> None:
        self._orders = orders
        self._maker = maker
        self._authorize = authorize
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        routes = [web.post(RECEIPTS_PATH, self.take)]
        for path, listing, kind, scope in _GIVEN:
            give = declared.giving(kind, scope)(partial(self.give, kind, scope, listing))
            routes.append(web.post(path, give))
        for listing, kinds, scope in _LISTED:
            page = declared.listing(scope)(partial(self.list, kinds, scope))
            one = declared.finding(scope)(partial(self.get, kinds, scope))
            routes += [web.get(listing, page), web.get(listing + declared.ONE, one)]
        return routes

    async def give(
        self, kind: ChangeKind, scope: str, listing: str, request: web.Request
    ) -> web.StreamResponse:
        """Give an order."""
        by = str(self._authorize(request, scope))
        body = await read_json(request)
        given: Given = await self._maker.make(kind, body)
        order_id = secrets.token_hex(8)
        row = await self._orders.add(order_id, kind, by, body, given.detail, given.edges)
        note(request, order=order_id, asked=body)
        headers = {"Location": f"{listing}/{order_id}"}
        return await self._answer([row], single=True, status=202, headers=headers)

    async def get(
        self, kinds: Sequence[ChangeKind], scope: str, request: web.Request
    ) -> web.StreamResponse:
        """One order."""
        self._authorize(request, scope)
        row = await self._orders.find(request.match_info["id"], kinds)
        if row is None:
            raise NotFoundError("there is no such order, or not any more")
        return await self._answer([row], single=True)

    async def list(
        self,
        kinds: Sequence[ChangeKind],
        scope: str,
        request: web.Request,
        query: declared.OrdersQuery,
    ) -> web.StreamResponse:
        """A page of orders, the newest first; `next` is the `before` of the following page."""
        self._authorize(request, scope)
        rows = await self._orders.page(kinds, query.before, query.limit)
        return await self._answer(rows, limit=query.limit)

    @declared.take_receipts
    async def take(self, request: web.Request) -> web.StreamResponse:
        """What the workers of an edge say of orders."""
        self._authorize(request, EDGE_SCOPE)
        await self._orders.take(parse_receipts(await read_json(request), self._now()))
        return web.Response(status=204)

    async def _answer(
        self,
        rows: Sequence[OrderRow],
        *,
        single: bool = False,
        limit: int = 0,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        now = self._now()
        said = await self._orders.receipts_of([row.id for row in rows])
        seen = await self._orders.seen(now - OFFLINE_SECONDS)
        described = [
            describe_order(row, [each for each in said if each.order_id == row.id], seen, now)
            for row in rows
        ]
        following = rows[-1].sequence if limit and len(rows) == limit else None
        body: Any = described[0] if single else {"items": described, "next": following}
        fields = {"Cache-Control": "no-store", **(headers or {})}
        return web.json_response(body, status=status, headers=fields)


def edge_of(request: web.Request, authorize: Authorize) -> str | None:
    """The edge that a question names itself as; None when it says nothing.

    Raises BadRequestError, UnauthorizedError, ForbiddenError.
    """
    edge = request.query.get("edge")
    if edge is None:
        return None
    if not 0 < len(edge) <= 200 or not edge.isprintable():
        raise BadRequestError("'edge' is the name of an edge")
    authorize(request, EDGE_SCOPE)
    return edge
