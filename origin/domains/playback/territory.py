"""The country that viewers come from, as a router says; remembered for a while by network.

Routers know where addresses are and origins do not, so one is asked. Without an answer nobody
knows: licences that name countries then refuse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from cachetools import TTLCache

REMEMBERED_SECONDS: Final = 600.0
REMEMBERED_MAX: Final = 100_000
RETRY_SECONDS: Final = 2.0
"""How long a router that did not answer is left alone: every list of films asks for a country."""
_TIMEOUT: Final = ClientTimeout(total=2.0)
_ROUTE: Final = "/v1/route"


class Territories:
    """Asks one router; `address_of` says which address a request is for."""

    def __init__(
        self, router_url: str, address_of: Callable[[web.Request], str], now: Callable[[], float]
    ) -> None:
        self._router_url = router_url.rstrip("/")
        self._address_of = address_of
        self._known: TTLCache[str, str] = TTLCache(REMEMBERED_MAX, REMEMBERED_SECONDS, timer=now)
        self._now = now
        self._ask_from = 0.0
        self._session: ClientSession | None = None
        self.opened = asyncio.Event()
        """Set while there are connections to the router."""

    async def find(self, request: web.Request) -> str:
        """A country of two capital letters, or empty."""
        address = self._address_of(request)
        if not self._router_url or not address:
            return ""
        known = self._known.get(address)
        if known is None:
            known = await self._ask(address)
            if known is None:
                return ""
            self._known[address] = known
        return known

    def routes(self) -> list[web.RouteDef]:
        """It answers nobody but playbacks."""
        return []

    async def run(self) -> None:
        """Keep connections to the router until cancelled."""
        async with ClientSession(timeout=_TIMEOUT) as session:
            self._session = session
            self.opened.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.opened.clear()
                self._session = None

    async def _ask(self, address: str) -> str | None:
        if self._session is None or self._now() < self._ask_from:
            return None
        parameters = {"path": "/", "ip": address}
        try:
            async with self._session.get(self._router_url + _ROUTE, params=parameters) as answer:
                answer.raise_for_status()
                body: dict[str, Any] = await answer.json()
        except (TimeoutError, ClientError, ValueError):
            self._ask_from = self._now() + RETRY_SECONDS
            return None
        country = body.get("place", {}).get("country")
        return country if isinstance(country, str) else ""
