"""What edges were told to purge, warm and pin, and what titles cost: asked of an origin.

Only origins know that. The page may ask nobody but the router that it came from, so the router
asks for it, with the caller's own token: the origin decides whether that may see them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

import aiohttp
from aiohttp import hdrs, web
from pydantic import ConfigDict, Field

from cdnkit import wire
from cdnkit.errors import (
    BadRequestError,
    CinedgeError,
    ForbiddenError,
    UnauthorizedError,
    UnavailableError,
)
from cdnkit.service.binding import DIGITS
from cdnkit.service.certificates import trusting_connector
from cdnkit.service.operations import Answer, Shape, operation
from config.topology import OriginNode

ORDERS_PATH: Final = "/v1/overview/orders"
COSTS_PATH: Final = "/v1/overview/costs"
BODY_BYTES_MAX: Final = 8 << 20
_TIMEOUT_SECONDS: Final = 4.0
_LISTS: Final = {
    "purges": wire.PURGES_PATH,
    "warms": wire.WARMS_PATH,
    "pins": wire.PINS_PATH,
}
_REFUSALS: Final[dict[int, type[CinedgeError]]] = {401: UnauthorizedError, 403: ForbiddenError}


class OrdersQuery(Shape):
    """Which orders."""

    kind: Literal["purges", "warms", "pins"] = "purges"
    limit: Annotated[int, Field(ge=1, le=100, description="The newest so many."), DIGITS] = 20


class CostsQuery(Shape):
    """Which days, and what the rows are."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    first: date | None = Field(None, alias="from", description="First day (UTC).")
    last: date | None = Field(None, alias="to", description="Last day, included.")
    by: Literal["title", "edge", "day"] = "title"
    limit: Annotated[int, Field(ge=1, le=20_000, description="Most rows."), DIGITS] = 100


class OrdersDesk:
    """Asks the origins of `origins()`, in order, for as long as it is entered."""

    def __init__(
        self, origins: Callable[[], tuple[OriginNode, ...]], authorities: str = ""
    ) -> None:
        """`authorities` is a file with those believed of origins reached by https."""
        self._origins = origins
        self._authorities = authorities
        self._session: aiohttp.ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get(ORDERS_PATH, self.get_orders),
            web.get(COSTS_PATH, self.get_costs),
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """May be asked inside the block."""
        async with aiohttp.ClientSession(
            connector=trusting_connector(self._authorities),
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as self._session:
            yield
        self._session = None

    @operation(
        answers={200: Answer("As the origin tells them.", content_type="application/json")},
        problems=(UnavailableError,),
        scope="operate",
        tag="overview",
    )
    async def get_orders(self, request: web.Request, query: OrdersQuery) -> web.StreamResponse:
        """Orders of one kind, the newest first, each with what every edge has answered."""
        path = f"{_LISTS[query.kind]}?limit={query.limit}"
        return await self._pass_on(request, path, "scopes purge and operate")

    @operation(
        answers={200: Answer("As the origin tells them.", content_type="application/json")},
        problems=(UnavailableError,),
        scope="operate",
        tag="overview",
    )
    async def get_costs(self, request: web.Request, query: CostsQuery) -> web.StreamResponse:
        """Bytes of titles, edges or days by kind, and what they cost."""
        given = query.model_dump(mode="json", by_alias=True, exclude_none=True)
        return await self._pass_on(
            request, f"{wire.COSTS_PATH}?{urlencode(given)}", "scope operate"
        )

    async def _pass_on(self, request: web.Request, path: str, needed: str) -> web.StreamResponse:
        token = request.headers.get(hdrs.AUTHORIZATION)
        headers: dict[str, str] = {str(hdrs.AUTHORIZATION): token} if token else {}
        said = "the topology names no origin"
        for origin in self._origins():
            base = (origin.url or f"http://{origin.listen}").rstrip("/")
            try:
                status, body = await self._ask(base + path, headers)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                said = f"origin {origin.name} does not answer: {error or type(error).__name__}"
                continue
            if status == 200:
                fields = {"Cache-Control": "no-store"}
                return web.Response(body=body, content_type="application/json", headers=fields)
            if status in _REFUSALS:
                raise _REFUSALS[status](f"origin {origin.name} refuses ({needed})")
            if status == BadRequestError.status:
                raise BadRequestError(f"origin {origin.name}: {_detail_of(body)}")
            said = f"origin {origin.name} answered {status}"
        raise UnavailableError(said)

    async def _ask(self, url: str, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._session is None:
            raise UnavailableError("the router is not ready yet")
        async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > BODY_BYTES_MAX:
                    raise UnavailableError("the origin's answer is too long")
            return answer.status, bytes(body)


def _detail_of(problem: bytes) -> str:
    """What a problem says (RFC 9457 3.1.4), as far as it can be read."""
    try:
        return str(json.loads(problem)["detail"])
    except (ValueError, KeyError, TypeError):
        return "refused without a reason"
