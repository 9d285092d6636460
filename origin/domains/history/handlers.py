"""Handlers of the watch history, and what playbacks tell and ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web
from pydantic import Field

from cdnkit.errors import NotFoundError, UnavailableError
from cdnkit.service.operations import Answer, Shape, operation
from cdnkit.service.paging import PageOf, PageQuery
from cdnkit.service.patterns import segment
from cdnkit.service.viewers import Viewer
from origin.catalog.catalog import Catalog
from origin.catalog.records import TitleRow
from origin.domains.history import queries
from origin.domains.history.keeping import Heartbeats
from origin.domains.history.rules import Heartbeat, Position, can_go_on, is_finished

CONTINUE_MAX: Final = 50
_ANSWERED: Final = Answer("Done.")


class TitlePath(Shape):
    """A title in the history."""

    title_id: str


class Watched(Shape):
    """A title and where the profile stopped in it. `at` is in epoch seconds."""

    id: str
    title: str = Field(description="Empty when the title is there no more.")
    year: int | None = None
    position_seconds: float
    duration_seconds: float
    finished: bool
    at: float


class WatchedPage(PageOf[Watched]):
    """A part of the history, newest first."""


class Continued(Shape):
    """What can be gone on with, newest first."""

    items: list[Watched]


class History:
    """Handlers, and what playbacks tell and ask."""

    def __init__(self, catalog: Catalog, gap_seconds: float) -> None:
        self._titles = catalog.titles
        self._database = catalog.database
        self._heartbeats = Heartbeats(catalog.database, gap_seconds)

    async def run(self) -> None:
        """Nothing to do by itself."""

    async def record(self, heartbeat: Heartbeat) -> None:
        """Keep where a viewer is; a counter that is not new changes nothing.

        Returns after the commit. Raises UnavailableError.
        """
        await self._heartbeats.keep(heartbeat)

    async def position(self, profile: str, title_id: str) -> Position | None:
        """Where a profile stopped in a title. Raises UnavailableError."""
        async with self._database.reading() as connection:
            return await queries.find_position(connection, profile, title_id)

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        path = "/v1/history/" + segment("title_id")
        return [
            web.get("/v1/history", self.list),
            web.delete("/v1/history", self.clear),
            web.delete(path, self.remove),
            web.post(path + "/hide", self.hide),
            web.get("/v1/continue", self.list_continued),
        ]

    @operation(problems=(UnavailableError,), profile=True)
    async def list(self, request: web.Request, viewer: Viewer, query: PageQuery) -> WatchedPage:
        """What the profile watched, newest first."""
        before = _parse_time(query.after)
        async with self._database.reading() as connection:
            found = await queries.list_positions(
                connection, viewer.profile, before, query.limit + 1
            )
        more = len(found) > query.limit
        items = [self._view(each) for each in found[: query.limit]]
        return WatchedPage(items=items, next=repr(items[-1].at) if more else None)

    @operation(problems=(UnavailableError,), profile=True)
    async def list_continued(self, request: web.Request, viewer: Viewer) -> Continued:
        """What the profile began and can go on with, newest first."""
        return Continued(items=[self._view(each) for each in await self.begun(viewer.profile)])

    async def begun(self, profile: str) -> Sequence[Position]:
        """What a profile can go on with, newest first. Raises UnavailableError."""
        async with self._database.reading() as connection:
            found = await queries.list_positions(connection, profile, None, 4 * CONTINUE_MAX)
        present = [
            each
            for each in found
            if can_go_on(each) and self._titles.get(each.title_id) is not None
        ]
        return present[:CONTINUE_MAX]

    @operation(answers={204: _ANSWERED}, problems=(UnavailableError,), profile=True)
    async def clear(self, request: web.Request, viewer: Viewer) -> web.StreamResponse:
        """Forget everything that the profile watched."""
        async with self._database.begin() as connection:
            await queries.forget(connection, viewer.profile, None)
        return web.Response(status=204)

    @operation(answers={204: _ANSWERED}, problems=(NotFoundError, UnavailableError), profile=True)
    async def remove(
        self, request: web.Request, viewer: Viewer, path: TitlePath
    ) -> web.StreamResponse:
        """Forget one title."""
        async with self._database.begin() as connection:
            gone = await queries.forget(connection, viewer.profile, path.title_id)
        return _gone_or_missing(gone > 0, path.title_id)

    @operation(answers={204: _ANSWERED}, problems=(NotFoundError, UnavailableError), profile=True)
    async def hide(
        self, request: web.Request, viewer: Viewer, path: TitlePath
    ) -> web.StreamResponse:
        """Leave a title out of what can be gone on with, until it is watched again."""
        async with self._database.begin() as connection:
            hidden = await queries.hide_title(connection, viewer.profile, path.title_id)
        return _gone_or_missing(hidden, path.title_id)

    def _view(self, position: Position) -> Watched:
        facts = _facts(self._titles.get(position.title_id))
        return Watched(
            id=position.title_id,
            **facts,
            position_seconds=position.position_seconds,
            duration_seconds=position.duration_seconds,
            finished=is_finished(position),
            at=position.at,
        )


def _facts(row: TitleRow | None) -> dict[str, Any]:
    if row is None:
        return {"title": ""}
    body = json.loads(row.body)
    year = body.get("year")
    return {"title": body["title"], "year": year if isinstance(year, int) else None}


def _parse_time(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _gone_or_missing(found: bool, title_id: str) -> web.Response:
    if not found:
        raise NotFoundError(f"{title_id[:60]!r} is not in this history")
    return web.Response(status=204)
