"""The change feed: what was published, deleted or purged, in order, for edges and routers.

    GET  /v1/changes?after=N&limit=M&wait=S   changes that follow N   200

With `wait`, an answer that would be empty is kept back until there is a change or S seconds have
passed. `last` is the `after` of the next call. Another `journal`, or a `last` below the `after`
that was asked for, says that this is not the one the follower knew (a restored database): it has
to trust nothing.
With `edge=NAME` and a token of the scope `edge` a follower says who it is: orders wait for it.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import Annotated, Any, Final, Literal

from aiohttp import web
from pydantic import Field

from cdnkit.errors import ForbiddenError, UnauthorizedError, UnavailableError
from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Answer, Shape, operation
from cdnkit.service.paging import LIMIT_DEFAULT, LIMIT_MAX
from cdnkit.wire import CHANGES_PATH, ChangeKind
from origin.catalog.catalog import Catalog
from origin.catalog.records import Change
from origin.orders.followers import Followers
from origin.orders.handlers import edge_of
from origin.requests import Authorize

WAIT_SECONDS_MAX: Final = 55


class ChangesQuery(Shape):
    """Which changes, and how long to wait for one."""

    after: Annotated[int, Field(ge=0, description="The `last` of the call before."), DIGITS] = 0
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX), DIGITS] = LIMIT_DEFAULT
    wait: Annotated[
        int, Field(ge=0, le=WAIT_SECONDS_MAX, description="Seconds to wait for a change."), DIGITS
    ] = 0
    edge: str = Field("", description="The edge that asks; needs a token of the scope `edge`.")


class ChangeView(Shape):
    """One change; `detail` depends on its kind."""

    sequence: int
    at: float
    kind: Literal[tuple(each.value for each in ChangeKind)]  # type: ignore[valid-type]
    key: str
    generation: int
    etag: str
    detail: dict[str, Any]


class ChangePage(Shape):
    """Changes in order; `last` is the `after` of the next call, `journal` tells whose they are."""

    changes: list[ChangeView]
    last: int
    journal: str


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

    def __init__(self, catalog: Catalog, followers: Followers, authorize: Authorize) -> None:
        self._catalog = catalog
        self._followers = followers
        self._authorize = authorize

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [web.get(CHANGES_PATH, self.get)]

    @operation(
        answers={200: Answer("The changes.", ChangePage)},
        problems=(UnauthorizedError, ForbiddenError, UnavailableError),
    )
    async def get(self, request: web.Request, query: ChangesQuery) -> web.StreamResponse:
        """Changes that follow `after`.

        With `wait`, an answer that would be empty is kept back until there is a change. Another
        `journal`, or a `last` below `after`, says that this is not the one the follower knew.
        """
        edge = edge_of(request, self._authorize)
        journal = self._catalog.journal
        async with (
            nullcontext()
            if edge is None
            else self._followers.following(edge, partial(_is_there, request))
        ):
            if query.wait and query.after == journal.last:
                await journal.wait_beyond(query.after, query.wait)
        found = await self._catalog.changes_after(query.after, query.limit)
        last = found[-1].sequence if found else journal.last
        return web.json_response(
            {
                "changes": [format_change(change) for change in found],
                "last": last,
                "journal": journal.name,
            },
            headers={"Cache-Control": "no-store"},
        )


def _is_there(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()
