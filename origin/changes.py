"""The change feed: what was published, deleted or purged, in order, for edges and routers.

    GET  /v1/changes?after=N&limit=M&wait=S   changes that follow N   200

With `wait`, an answer that would be empty is kept back until there is a change or S seconds have
passed. `last` is the `after` of the next call. A `last` below the `after` that was asked for says
that this journal is not the one the follower knew (a restored database): it has to trust nothing.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from cdnkit.wire import CHANGES_PATH
from origin.catalog.catalog import Catalog
from origin.catalog.records import Change
from origin.paging import LIMIT_DEFAULT, LIMIT_MAX, parse_count, require_known

WAIT_SECONDS_MAX: Final = 55


def format_change(change: Change) -> dict[str, Any]:
    """A change as the feed writes it."""
    return {
        "sequence": change.sequence,
        "at": change.at,
        "kind": change.kind.value,
        "key": change.key,
        "generation": change.generation,
        "etag": change.etag,
        "detail": change.detail,
    }


class Changes:
    """Handler of /v1/changes."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [web.get(CHANGES_PATH, self.get)]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Changes that follow `after`."""
        query = request.query
        require_known(query, ("after", "limit", "wait"))
        after = parse_count(query, "after", 0, maximum=None)
        limit = parse_count(query, "limit", LIMIT_DEFAULT, minimum=1, maximum=LIMIT_MAX)
        wait_seconds = parse_count(query, "wait", 0, maximum=WAIT_SECONDS_MAX)
        journal = self._catalog.journal
        if wait_seconds and after == journal.last:
            await journal.wait_beyond(after, wait_seconds)
        found = await self._catalog.changes_after(after, limit)
        last = found[-1].sequence if found else journal.last
        return web.json_response(
            {"changes": [format_change(change) for change in found], "last": last},
            headers={"Cache-Control": "no-store"},
        )
