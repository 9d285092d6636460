"""Processes as they are seen, made for tests."""

from __future__ import annotations

from typing import Any

from config.topology import Address, CacheDisk, EdgeNode, OriginNode, RouterNode
from scripts.overview.figures import Figures
from scripts.overview.looking import Seen

EDGE = EdgeNode("e1", "fra", Address("127.0.0.1", 1), (CacheDisk("d", 1000),), url="http://e1")
ORIGIN = OriginNode("o1", Address("127.0.0.1", 2), "d", url="http://o1")
ROUTER = RouterNode("r1", Address("127.0.0.1", 3), url="http://r1")
DIGEST = "0123456789abcdef"


def edge(node: EdgeNode = EDGE, *figures: tuple[str, dict[str, str], float], **said: Any) -> Seen:
    """An edge that is well, but for what is said."""
    readiness = {"status": "ready", "checks": {}, "topology": DIGEST, "load": 0.25, **said}
    build = ("cinedge_build_info", {"version": "1"}, 1.0)
    samples = Figures((*figures, build))
    return Seen(node, node.url, "", readiness["status"] in ("ready", "loading"), readiness, samples)


def router(**states: str) -> Seen:
    """A router that believes this of edges."""
    edges = [{"name": name, "state": state, "reason": "why"} for name, state in states.items()]
    readiness = {"status": "ready", "checks": {}, "topology": DIGEST}
    figures = Figures((("cinedge_build_info", {"version": "1"}, 1.0),))
    return Seen(ROUTER, ROUTER.url, "", True, readiness, figures, {"edges": edges})
