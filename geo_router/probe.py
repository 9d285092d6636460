"""The poller: looks at every edge as a player would and tells what it saw.

One task per target, looking at fixed moments (not a pause after each answer), so that an edge
which stops answering is noticed within `down_after` intervals and one time-out. Each look opens a
new connection: a kept one would not show that new viewers can no longer connect. An edge in doubt
is looked at sooner and over several connections at once, of which one answer is enough: lost
packets hit one of them, death all. Between looks a silent connection (`tripwire`) tells of an
end at once. What an observation means is decided by `fleet`.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
import structlog
from yarl import URL

from cdnkit import wire
from cdnkit.service.lasting import end_tasks, start_lasting
from config.topology import RouterSettings
from geo_router.fleet import Observation, Result
from geo_router.tripwire import PATIENCE, Patience, until_it_ends

_BODY_BYTES_MAX: Final = 65_536
_REASON_CHARACTERS_MAX: Final = 200

DOUBTFUL_LOOKS: Final = 3
"""Connections of one look at an edge in doubt."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is looked at: an edge by its URL, or one address of it under its name."""

    edge: str
    url: str
    families: tuple[int, ...] = (4, 6)
    """Which viewers this look speaks for."""
    host: str = ""
    """The name to ask for when `url` holds an address."""


Observe = Callable[[Target, Observation], bool]


def targets_of(name: str, url: str, addresses: Sequence[str]) -> list[Target]:
    """How to look at an edge: through each of its addresses, or as its URL says."""
    if not addresses:
        return [Target(name, url)]
    parts = URL(url)
    return [
        Target(
            name,
            str(parts.with_host(address)).rstrip("/"),
            (ip_address(address).version,),
            parts.host or "",
        )
        for address in addresses
    ]


class Prober:
    """Polls targets for as long as it is entered."""

    def __init__(
        self,
        targets: Sequence[Target],
        settings: RouterSettings,
        *,
        chance: Callable[[], float],
        observe: Observe,
        trust: ssl.SSLContext | bool = True,
        patience: Patience = PATIENCE,
    ) -> None:
        """`chance` gives a share of an interval to start after; `observe` takes every observation
        in and says whether it leaves the edge in doubt; `trust` is for edges reached by https."""
        self._trust = trust
        self._targets = targets
        self._interval_seconds = settings.probe_interval_seconds
        self._timeout_seconds = settings.probe_timeout_seconds
        self._chance = chance
        self._observe = observe
        self._patience = patience
        self._log = structlog.get_logger("geo_router.probe")
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Prober:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._trust, limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
        )
        self._tasks = [
            start_lasting(f"probe {target.edge}", partial(self._watch, target, self._session))
            for target in self._targets
        ]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await end_tasks(*self._tasks)
        if self._session is not None:
            await self._session.close()

    async def _watch(self, target: Target, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        doubtful = False
        # The first look is spread over less than an interval: nobody is routed until it is over.
        due = loop.time() + self._chance() * min(self._interval_seconds, 0.25)
        # Many edges that are all looked at in the same moment would keep viewers waiting.
        pause_seconds = self._interval_seconds * (1 - self._chance())
        wire: asyncio.Task[None] | None = None
        try:
            while True:
                if await _rest(due - loop.time(), wire):
                    due, wire = loop.time(), None
                try:
                    looks = DOUBTFUL_LOOKS if doubtful else 1
                    seen = await look_well(session, target, loop.time, looks)
                    if wire is None and seen.result is Result.ANSWERED:
                        wire = asyncio.create_task(until_it_ends(URL(target.url), self._patience))
                    doubtful = self._observe(target, seen)
                except Exception:  # the watch outlives whatever one look does
                    self._log.exception("probe failed in itself", edge=target.edge)
                # In doubt, look twice as often: the answer is wanted before viewers notice.
                rest_seconds = self._interval_seconds / 2 if doubtful else pause_seconds
                due = max(due + rest_seconds, loop.time())
                pause_seconds = self._interval_seconds
        finally:
            if wire is not None:
                wire.cancel()


async def _rest(seconds: float, wire: asyncio.Task[None] | None) -> bool:
    """Wait for the next look; whether a sign that the edge has ended came before."""
    if wire is None:
        await asyncio.sleep(seconds)
        return False
    await asyncio.wait({wire}, timeout=max(seconds, 0))
    return wire.done()


async def look_well(
    session: aiohttp.ClientSession, target: Target, clock: Callable[[], float], looks: int
) -> Observation:
    """Several looks at once; the first that gets an answer counts, else a definite failure."""
    url = URL(target.url + wire.READY_PATH, encoded=True)
    if looks == 1:
        return await look(session, url, clock, target.host)
    tasks = [asyncio.create_task(look(session, url, clock, target.host)) for _ in range(looks)]
    failures: list[Observation] = []
    try:
        for done in asyncio.as_completed(tasks):
            seen = await done
            if seen.result not in (Result.FAILED, Result.TIMED_OUT):
                return seen
            failures.append(seen)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return min(failures, key=lambda seen: seen.result is Result.TIMED_OUT)


async def look(
    session: aiohttp.ClientSession, target: URL, clock: Callable[[], float], host: str = ""
) -> Observation:
    """One look at an edge; whatever happens becomes an observation."""
    start = clock()
    headers, server = {}, None
    if host:
        headers["Host"] = f"{host}:{target.port}" if target.explicit_port else host
        server = host
    try:
        async with session.get(
            target, allow_redirects=False, headers=headers, server_hostname=server
        ) as answer:
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > _BODY_BYTES_MAX:
                    break
            return judge(answer.status, bytes(body), clock() - start)
    except TimeoutError:
        return Observation(Result.TIMED_OUT, f"no answer within {clock() - start:.1f} s")
    except aiohttp.ClientConnectorError as error:
        return Observation(Result.FAILED, f"cannot connect: {_why(error.os_error)}")
    except aiohttp.ServerDisconnectedError:
        return Observation(Result.FAILED, "closed the connection without an answer")
    except aiohttp.ClientPayloadError:
        return Observation(Result.FAILED, "cut its answer short")
    except aiohttp.ClientResponseError:
        return Observation(Result.FAILED, "does not answer in HTTP")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Observation(Result.FAILED, f"{type(error).__name__}: {error}")


def _why(error: OSError) -> str:
    # asyncio puts the address into strerror; the page shows it beside the reason anyway.
    return os.strerror(error.errno) if error.errno else str(error)


def judge(status: int, body: bytes, latency_seconds: float) -> Observation:
    """What an answer of /readyz says: 200 ready, 503 with status "draining", else a failure."""
    facts = _facts(body)
    if status == HTTPStatus.OK:
        load, failing = _share(facts, "load"), _share(facts, "failing")
        return Observation(Result.ANSWERED, "ready", latency_seconds, load, failing, facts)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and facts.get("status") == "draining":
        return Observation(Result.DRAINING, "says it is draining", latency_seconds, facts=facts)
    complaints = _complaints(facts.get("checks"))
    reason = f"answered {status}" + (f": {complaints}" if complaints else "")
    return Observation(Result.FAILED, reason, latency_seconds)


def _complaints(checks: object) -> str:
    if not isinstance(checks, dict):
        return ""
    failing = (f"{name} {says}" for name, says in checks.items() if says != "ok")
    return ", ".join(failing)[:_REASON_CHARACTERS_MAX]


def _facts(body: bytes) -> Mapping[str, Any]:
    with suppress(ValueError, RecursionError):
        facts = json.loads(body)
        if isinstance(facts, dict):
            return facts
    return {}


def _share(facts: Mapping[str, Any], name: str) -> float | None:
    share = facts.get(name)
    if isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share < 1e6:
        return float(share)
    return None
