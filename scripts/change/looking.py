"""What a change sees and asks of processes by HTTP: are they ready, by which file do they go, who
is routed to, is anybody still served. Every look is one request; for how long is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import httpx

from cdnkit.service.certificates import believing_all
from cdnkit.wire import DRAIN_PATH, FLEET_PATH, READY_PATH, WARM_PATH
from config.check_addresses import admin_url
from config.topology import EdgeNode, Node, RouterNode
from scripts.cli.errors import FailedError

TAKES_VIEWERS: Final = frozenset({"up", "suspect"})
_TIMEOUT: Final = httpx.Timeout(5.0)


class Looks:
    """Asks as whoever holds the token in `headers`, and believes these files of authorities."""

    def __init__(self, headers: Mapping[str, str], authorities: Iterable[str] = ("",)) -> None:
        """An empty name stands for the system's authorities. Raises AuthorityError."""
        trust = believing_all(authorities)
        self._client = httpx.Client(headers=dict(headers), timeout=_TIMEOUT, verify=trust)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def readiness(self, node: Node) -> tuple[bool, dict[str, Any]]:
        """Whether viewers may come, and what the process says of itself; empty without answer."""
        try:
            answer = self._client.get(base_of(node) + READY_PATH)
            body = answer.json()
        except (httpx.HTTPError, ValueError):
            return False, {}
        return answer.status_code == 200, body if isinstance(body, dict) else {}

    def takes_viewers(self, router: RouterNode, edge: str) -> bool | None:
        """Whether a router sends viewers to an edge; None when it does not say."""
        try:
            edges = self._client.get(base_of(router) + FLEET_PATH).json()["edges"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None
        return any(each["name"] == edge and each["state"] in TAKES_VIEWERS for each in edges)

    def drain(self, edge: EdgeNode, method: str = "GET") -> dict[str, Any]:
        """Ask for the drain of an edge: GET, PUT or DELETE. Raises FailedError."""
        try:
            answer = self._client.request(method, base_of(edge) + DRAIN_PATH)
            body: dict[str, Any] = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise FailedError(f"{edge.name}: {error or type(error).__name__}") from error
        return body

    def warm(self, origin: str, edge: str, keys: Sequence[str]) -> str:
        """Order an edge to fetch keys: where the order is looked at. Raises FailedError."""
        order = {"objects": list(keys), "edges": [edge]}
        try:
            answer = self._client.post(origin + WARM_PATH, json=order).raise_for_status()
        except httpx.HTTPError as error:
            raise FailedError(f"{edge} cannot be warmed: {error}") from error
        return str(httpx.URL(origin).join(answer.headers["Location"]))

    def order_state(self, where: str) -> str:
        """done, failed, or something else while it is under way. Raises FailedError."""
        try:
            return str(self._client.get(where).raise_for_status().json()["state"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise FailedError(f"{where}: {error}") from error


def base_of(node: Node) -> str:
    """Where a process is asked about itself: an edge at its admin address, when it has one."""
    at_admin = admin_url(node) if isinstance(node, EdgeNode) else ""
    return at_admin or node.url.rstrip("/")
