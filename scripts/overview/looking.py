"""Every process of a topology asked at once: may traffic come, its figures, what routers believe.

A process that does not answer is a finding, not an error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from cdnkit.dates import parse_http_date
from cdnkit.wire import FLEET_PATH, METRICS_PATH, READY_PATH
from config.topology import EdgeNode, Node, OriginNode, RouterNode
from scripts.change.looking import base_of
from scripts.overview.figures import Figures, read_figures

TIMEOUT_SECONDS: Final = 3.0
AT_ONCE: Final = 500
"""Processes asked at a time; each takes a descriptor or two."""
_TIERS: Final = {OriginNode: "origin", EdgeNode: "edge", RouterNode: "router"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one process said. `error` says why it said nothing; bodies are empty then."""

    node: Node
    url: str
    error: str = ""
    ready: bool = False
    readiness: dict[str, Any] = field(default_factory=dict)
    figures: Figures = field(default_factory=Figures)
    fleet: dict[str, Any] = field(default_factory=dict)
    ahead_seconds: float = 0.0
    """How far its clock is surely ahead of this machine's; negative when it is behind."""

    @property
    def tier(self) -> str:
        """origin, edge or router."""
        return _TIERS[type(self.node)]


def look(nodes: Iterable[Node], timeout_seconds: float = TIMEOUT_SECONDS) -> list[Seen]:
    """Ask them all, in as long as the slowest takes."""
    return asyncio.run(_look_at_all(list(nodes), timeout_seconds))


async def _look_at_all(nodes: list[Node], timeout_seconds: float) -> list[Seen]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def look_at(client: httpx.AsyncClient, node: Node) -> Seen:
        async with gate:
            return await _look_at(client, node)

    async with client_for_many(timeout_seconds) as client:
        return await asyncio.gather(*(look_at(client, node) for node in nodes))


def client_for_many(timeout_seconds: float) -> httpx.AsyncClient:
    """A client whose questions wait for no place of one that is never answered."""
    # Edges present certificates of viewers' names, which an address on this side is not.
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout_seconds, pool=None),
        limits=httpx.Limits(max_connections=None),
        verify=False,
    )


async def _look_at(client: httpx.AsyncClient, node: Node) -> Seen:
    # Where viewers come: an edge's admin address knows neither its drain nor its load.
    url = node.url.rstrip("/")
    asked_at = time.time()
    try:
        answer = await client.get(url + READY_PATH)
        answered_at = time.time()
        readiness = answer.json()
        if not isinstance(readiness, dict):
            raise ValueError(f"{READY_PATH} is no object")
    except (httpx.HTTPError, ValueError) as error:
        return Seen(node, url, error=str(error) or type(error).__name__)
    fleet = await _fleet(client, url) if isinstance(node, RouterNode) else {}
    figures = await _figures(client, base_of(node))
    ahead = clock_ahead(answer.headers.get("Date", ""), asked_at, answered_at)
    return Seen(node, url, "", answer.status_code == 200, readiness, figures, fleet, ahead)


def clock_ahead(date: str, asked_at: float, answered_at: float) -> float:
    """Seconds by which a Date (RFC 9110 6.6.1) is surely ahead of the local clock.

    It has whole seconds and was written somewhere between question and answer.
    """
    told = parse_http_date(date)
    if told is None:
        return 0.0
    if told > answered_at:
        return told - answered_at
    return min(0.0, told + 1 - asked_at)


async def _figures(client: httpx.AsyncClient, url: str) -> Figures:
    """Nothing for an edge without an admin address, which tells its figures nowhere."""
    try:
        answer = await client.get(url + METRICS_PATH)
        return read_figures(answer.text) if answer.status_code == 200 else Figures()
    except (httpx.HTTPError, ValueError):
        return Figures()


async def _fleet(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    try:
        body = (await client.get(url + FLEET_PATH)).raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}
