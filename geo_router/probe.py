"""The poller: looks at every edge as a player would and tells the fleet what it saw.

One task per edge, looking at fixed moments (not a pause after each answer), so that an edge which
stops answering is noticed within `down_after` intervals and one time-out. Each look opens a new
connection: a kept one would not show that new viewers can no longer connect. What an observation
means is decided by `fleet`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import structlog
from yarl import URL

from cdnkit import wire
from config.topology import RouterSettings
from geo_router.fleet import Fleet, Observation, Result, State

_BODY_BYTES_MAX: Final = 65_536
_REASON_CHARACTERS_MAX: Final = 200

Listener = Callable[[str, Observation, bool], None]


class Prober:
    """Polls the edges of one topology for as long as it is entered."""

    def __init__(
        self,
        fleet: Fleet,
        urls: Mapping[str, str],
        settings: RouterSettings,
        *,
        now: Callable[[], float],
        chance: Callable[[], float],
        listener: Listener,
    ) -> None:
        """`now` is the wall clock, `chance` gives a share of an interval to start after;
        `listener` hears every observation and whether it changed the fleet."""
        self._fleet = fleet
        self._urls = urls
        self._interval_seconds = settings.probe_interval_seconds
        self._timeout_seconds = settings.probe_timeout_seconds
        self._now = now
        self._chance = chance
        self._listener = listener
        self._log = structlog.get_logger("geo_router.probe")
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Prober:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
        )
        self._tasks = [
            asyncio.create_task(self._watch(name, url, self._session), name=f"probe {name}")
            for name, url in self._urls.items()
        ]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _watch(self, name: str, url: str, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        target = URL(url + wire.READY_PATH, encoded=True)
        # The first look is spread over less than an interval: nobody is routed until it is over.
        due = loop.time() + self._chance() * min(self._interval_seconds, 0.25)
        while True:
            await asyncio.sleep(due - loop.time())
            try:
                seen = await look(session, target, loop.time)
                changed = self._fleet.observe(name, seen, self._now())
                self._listener(name, seen, changed)
            except Exception:  # the watch outlives whatever one look does
                self._log.exception("probe failed in itself", edge=name)
            # In doubt, look twice as often: the answer is wanted before viewers notice.
            doubtful = self._fleet[name].state is State.SUSPECT
            pause_seconds = self._interval_seconds / (2 if doubtful else 1)
            due = max(due + pause_seconds, loop.time())


async def look(
    session: aiohttp.ClientSession, target: URL, clock: Callable[[], float]
) -> Observation:
    """One look at an edge; whatever happens becomes an observation."""
    start = clock()
    try:
        async with session.get(target, allow_redirects=False) as answer:
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > _BODY_BYTES_MAX:
                    break
            return judge(answer.status, bytes(body), clock() - start)
    except TimeoutError:
        return Observation(Result.FAILED, f"no answer within {clock() - start:.1f} s")
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
        return Observation(Result.ANSWERED, "ready", latency_seconds, _load(facts))
    if status == HTTPStatus.SERVICE_UNAVAILABLE and facts.get("status") == "draining":
        return Observation(Result.DRAINING, "says it is draining", latency_seconds)
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


def _load(facts: Mapping[str, Any]) -> float | None:
    load = facts.get("load")
    if isinstance(load, int | float) and not isinstance(load, bool) and 0 <= load < 1e6:
        return float(load)
    return None
