"""Finding out whether edges reach their origins: each is asked for an object that is not there.

The edge has to ask its upstream, and passes on that nobody knows the object. Routes that want a
token refuse before that, so their edges are not asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import httpx

from config.topology import EdgeNode, Topology
from scripts.overview.looking import TIMEOUT_SECONDS, Seen

_ASKED_FOR: Final = "cinedge-doctor"


def ask_edges(topology: Topology, seen: Sequence[Seen], mark: str) -> dict[str, int | None]:
    """Status of each edge's answer, by name; None for no answer. `mark` makes the object new."""
    route = next((route for route in topology.routes if not route.token), None)
    if route is None:
        return {}
    edges = [each.node for each in seen if not each.error and isinstance(each.node, EdgeNode)]
    path = f"{route.prefix}{_ASKED_FOR}/{mark}"
    return dict(zip((e.name for e in edges), asyncio.run(_ask_all(edges, path)), strict=True))


async def _ask_all(edges: Sequence[EdgeNode], path: str) -> list[int | None]:
    # An edge waits for its upstream longer than anyone would for the doctor.
    limit = httpx.Timeout(TIMEOUT_SECONDS * 4, connect=TIMEOUT_SECONDS)
    async with httpx.AsyncClient(timeout=limit, verify=False) as client:
        return await asyncio.gather(*(_ask(client, edge.url.rstrip("/") + path) for edge in edges))


async def _ask(client: httpx.AsyncClient, url: str) -> int | None:
    try:
        return (await client.get(url)).status_code
    except httpx.HTTPError:
        return None
