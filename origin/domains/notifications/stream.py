"""The inbox as it fills, for who looks at it now (Server-Sent Events).

Decides where a stream begins (`Last-Event-ID`, else `after`, else now) and that it ends with its
session and with the process. Each event carries its number as id, so that a browser that comes
back gets what it missed, from whichever origin it reaches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from aiohttp import web
from aiohttp_sse import EventSourceResponse

from cdnkit.errors import BadRequestError, UnauthorizedError
from cdnkit.service.operations import Answer, operation
from cdnkit.service.viewers import Viewer, find_viewer
from origin.catalog.database import Database
from origin.domains.notifications import queries, shapes
from origin.domains.notifications.feed import Feed

_LIMIT: Final = 50
_DIGITS_MAX: Final = 15
_LAST_EVENT_ID: Final = "Last-Event-ID"


class InboxStream:
    """Streams of one process."""

    def __init__(
        self, database: Database, feed: Feed, site_url: str, heartbeat_seconds: float
    ) -> None:
        self._database = database
        self._feed = feed
        self._site_url = site_url
        self._heartbeat_seconds = heartbeat_seconds

    def routes(self) -> Sequence[web.RouteDef]:
        """What to mount."""
        return [web.get("/v1/inbox/stream", self.follow, allow_head=False)]

    @operation(
        tag="notifications",
        problems=(BadRequestError,),
        fields={_LAST_EVENT_ID: "The last number that is known already."},
        answers={
            200: Answer("Events `message`, as in the inbox.", content_type="text/event-stream")
        },
    )
    async def follow(
        self, request: web.Request, viewer: Viewer, query: shapes.StreamQuery
    ) -> web.StreamResponse:
        """New messages of the account as they come."""
        after = await self._beginning(request, query)
        with self._feed.listening(viewer.account) as news:
            response = EventSourceResponse(ping_interval=self._heartbeat_seconds)
            await response.prepare(request)
            async with response:
                await self._send_all(request, viewer, response, news, after)
        return response

    async def _beginning(self, request: web.Request, query: shapes.StreamQuery) -> int:
        given = request.headers.get(_LAST_EVENT_ID, "")
        if given:
            if not (given.isascii() and given.isdigit() and len(given) <= _DIGITS_MAX):
                raise BadRequestError(f"{_LAST_EVENT_ID} is the number of a message")
            return int(given)
        if query.after is not None:
            return query.after
        async with self._database.reading() as connection:
            return await queries.last_number(connection)

    async def _send_all(
        self,
        request: web.Request,
        viewer: Viewer,
        response: EventSourceResponse,
        news: asyncio.Event,
        after: int,
    ) -> None:
        while not self._feed.is_closed and _goes_on(request, viewer):
            news.clear()
            async with self._database.reading() as connection:
                rows = await queries.inbox_after(connection, viewer.account, after, _LIMIT)
            for row in rows:
                message = shapes.Message.of(row, viewer.language, self._site_url)
                await response.send(message.model_dump_json(), id=str(row.number), event="message")
                after = row.number
            if len(rows) < _LIMIT:
                await _wait(news, self._heartbeat_seconds)


def _goes_on(request: web.Request, viewer: Viewer) -> bool:
    """Whether the session is still good, and still the same person's."""
    try:
        return find_viewer(request, with_profile=False).account == viewer.account
    except UnauthorizedError:
        return False


async def _wait(news: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return
