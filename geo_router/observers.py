"""Fetches what the other routers see, once a second, and sooner while an edge is in doubt.

A router that cannot be fetched is not an event: its last view grows old (`agreement`). Views of
IPv4 and IPv6 are kept apart, because edges can be reachable by one and not by the other.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

import aiohttp

from cdnkit.service.lasting import end_tasks, start_lasting
from geo_router.agreement import Council, read_view, view_body
from geo_router.fleet import Fleet

OBSERVATIONS_PATH: Final = "/v1/observations"
PULL_SECONDS: Final = 1.0
DOUBT_PULL_SECONDS: Final = 0.2
_TIMEOUT_SECONDS: Final = 0.8

Fetch = Callable[[str], Awaitable[Any]]
Name = str
FAMILIES: Final = {"ipv4": 4, "ipv6": 6}


def observations_body(router: str, fleets: Mapping[int, Fleet], now: float) -> dict[str, Any]:
    """What this router sees with its own eyes, per family of addresses."""
    families = {
        name: view_body(fleets[family].failing, fleets[family].unpolled)
        for name, family in FAMILIES.items()
    }
    return {"router": router, "now": round(now, 3), "families": families}


def hear(councils: Mapping[int, Council], router: str, body: Any, now: float) -> bool:
    """Take in an answer of another router; false when it says nothing usable."""
    families = body.get("families") if isinstance(body, Mapping) else None
    if not isinstance(families, Mapping):
        return False
    views = {family: read_view(families.get(name)) for name, family in FAMILIES.items()}
    for family, view in views.items():
        if view is not None:
            councils[family].hear(router, view, now)
    return any(view is not None for view in views.values())


class Observers:
    """Pulls the views of `peers` (name to base URL) for as long as it is entered."""

    def __init__(
        self,
        peers: Mapping[Name, str],
        councils: Mapping[int, Council],
        *,
        now: Callable[[], float],
        is_in_doubt: Callable[[], bool],
        on_heard: Callable[[], None],
        trust: ssl.SSLContext | bool = True,
    ) -> None:
        """`on_heard` is called after each view taken in; `trust` as `Prober` has it."""
        self._trust = trust
        self._peers = peers
        self._councils = councils
        self._now = now
        self._is_in_doubt = is_in_doubt
        self._on_heard = on_heard
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Observers:
        if self._peers:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._trust),
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        self._tasks = [
            start_lasting(f"observer {name}", partial(self._follow, name, url))
            for name, url in self._peers.items()
        ]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await end_tasks(*self._tasks)
        if self._session is not None:
            await self._session.close()

    async def _follow(self, name: str, url: str) -> None:
        while True:
            body = await self._fetch(url)
            if body is not None and hear(self._councils, name, body, self._now()):
                self._on_heard()
            waited = 0.0
            while waited < PULL_SECONDS - 1e-9:
                await asyncio.sleep(DOUBT_PULL_SECONDS)
                waited += DOUBT_PULL_SECONDS
                if self._is_in_doubt():
                    break

    async def _fetch(self, url: str) -> Any:
        assert self._session is not None
        with suppress(aiohttp.ClientError, OSError, TimeoutError, ValueError):
            async with self._session.get(url + OBSERVATIONS_PATH) as answer:
                if answer.status == 200:
                    return json.loads(await answer.read())
        return None
