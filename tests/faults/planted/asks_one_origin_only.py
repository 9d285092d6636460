"""An edge that asks the first of its origins and never another."""

from __future__ import annotations

from typing import Any

from edge import routes
from tests.faults.planted import swap

STORY = "origins-killed-in-turn"


def plant() -> None:
    upstreams = routes._upstreams

    def of_the_first(route: Any, own: list[str], *more: Any) -> Any:
        return upstreams(route, own[:1], *more)

    swap(routes, "_upstreams", of_the_first)
