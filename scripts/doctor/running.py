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
from scripts.overview.looking import AT_ONCE, TIMEOUT_SECONDS, Seen, client_for_many

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
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(client: httpx.AsyncClient, url: str) -> int | None:
        async with gate:
            try:
                return (await client.get(url)).status_code
            except httpx.HTTPError:
                return None

    # An edge waits for its upstream longer than it is waited for elsewhere.
    async with client_for_many(4 * TIMEOUT_SECONDS) as client:
        return await asyncio.gather(*(ask(client, edge.url.rstrip("/") + path) for edge in edges))
