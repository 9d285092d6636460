"""What each disk of an edge holds, and of which kind of content, told on the admin port.

    GET  /v1/disks    every disk, with the kinds that have a share of it      200

Sums over the workers of the edge, of which each has a part of every disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from prometheus_client.core import GaugeMetricFamily, Metric

from cdnkit.service.operations import JSON_TYPE, Answer, operation
from cdnkit.wire import DISKS_PATH
from edge.cache.keeping import Keeping

_SCOPE: Final = "operate"
_WHOLE: Final = ""
"""Stands for no kind: what is said of all that a disk holds."""

Rooms = Counter[tuple[str, str, str]]
"""Bytes by disk, kind and measure."""

_KINDS: Final = {
    "held_bytes": "Bytes of blocks held that may go, by the kinds that have a share of a disk.",
    "share_bytes": "Bytes that each kind is sure of on a disk.",
}


def rooms_of(keeping: Keeping) -> Rooms:
    """What one worker has of each disk."""
    rooms: Rooms = Counter()
    for disk, index in keeping.by_disk():
        path = str(disk.path)
        rooms[path, _WHOLE, "size_bytes"] = index.capacity_bytes
        rooms[path, _WHOLE, "held_bytes"] = index.held_bytes
        rooms[path, _WHOLE, "pinned_bytes"] = index.pinned_bytes
        for kind, share_bytes, held_bytes in index.kinds.levels() if index.kinds else ():
            rooms[path, kind, "share_bytes"] = share_bytes
            rooms[path, kind, "held_bytes"] = held_bytes
    return rooms


def describe_disks(rooms: Rooms) -> list[dict[str, Any]]:
    """JSON values of rooms; what is pinned counts in a disk and in no kind of it."""
    return [
        {
            "path": path,
            **_measures(rooms, path, _WHOLE),
            "kinds": [
                {"kind": kind, **_measures(rooms, path, kind)}
                for kind in _named(kind for disk, kind, _ in rooms if disk == path)
            ],
        }
        for path in _named(disk for disk, _, _ in rooms)
    ]


def kind_metrics(rooms: Rooms) -> Iterator[Metric]:
    """What each kind holds, and is sure of."""
    for measure, doc in _KINDS.items():
        family = GaugeMetricFamily(f"cinedge_edge_kind_{measure}", doc, labels=("disk", "kind"))
        for (disk, kind, what), size_bytes in rooms.items():
            if kind != _WHOLE and what == measure:
                family.add_metric((disk, kind), size_bytes)
        yield family


@dataclass(frozen=True, slots=True)
class DisksDesk:
    """The handler. `authorize` raises unless the caller may look; `rooms` are of all workers."""

    node: str
    authorize: Callable[[web.Request, str], str]
    rooms: Callable[[], Rooms]

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [web.get(DISKS_PATH, self.get_disks)]

    @operation(
        answers={200: Answer("By disk, and there by kind.", None, JSON_TYPE)},
        scope=_SCOPE,
        enforce=False,
        tag="disks",
    )
    async def get_disks(self, request: web.Request) -> web.Response:
        """What each disk holds, and of which kind of content."""
        self.authorize(request, _SCOPE)
        body = {"node": self.node, "disks": describe_disks(self.rooms())}
        return web.json_response(body, headers={"Cache-Control": "no-store"})


def _named(names: Iterable[str]) -> list[str]:
    """Each once, in the order in which they are configured."""
    return [name for name in dict.fromkeys(names) if name != _WHOLE]


def _measures(rooms: Rooms, path: str, kind: str) -> dict[str, int]:
    return {what: size for (disk, of, what), size in rooms.items() if (disk, of) == (path, kind)}
