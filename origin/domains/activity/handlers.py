"""Handlers of the activity log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from aiohttp import web

from cdnkit.errors import BadRequestError, UnavailableError
from cdnkit.service.operations import Answer, operation
from cdnkit.service.paging import PageQuery
from cdnkit.service.viewers import Viewer
from origin.catalog.activity import Event, Outcome
from origin.catalog.catalog import Catalog
from origin.domains.activity import queries
from origin.domains.activity.keeping import Log
from origin.domains.activity.rules import Teller, parse_event, read_event
from origin.domains.activity.shapes import (
    EventsBody,
    Kept,
    KeptPage,
    Recording,
    Taken,
    Told,
)

PATH: Final = "/v1/activity"
_NUMBER_DIGITS_MAX: Final = 18
_UNRECORDED: Final = "what this profile does is not kept"


@dataclass(frozen=True, slots=True)
class World:
    """What the log has from outside: the country of a request, time and names."""

    region_of: Callable[[web.Request], Awaitable[str]]
    now: Callable[[], float]
    make_id: Callable[[], str]


class Activity:
    """A domain of the film service."""

    def __init__(self, catalog: Catalog, log: Log, keep_seconds: float, world: World) -> None:
        self._titles = catalog.titles
        self._database = catalog.database
        self._log = log
        self._keep_seconds = keep_seconds
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.post(PATH, self.take),
            web.get(PATH, self.list),
            web.delete(PATH, self.clear),
            web.get(f"{PATH}/recording", self.recording),
            web.put(f"{PATH}/recording", self.set_recording),
        ]

    async def run(self) -> None:
        """Remove what is old."""
        await self._log.run()

    @operation(problems=(UnavailableError,), profile=True)
    async def take(self, request: web.Request, viewer: Viewer, body: EventsBody) -> Taken:
        """Keep what the profile did, each event once; answered after the commit."""
        region = await self._world.region_of(request)
        teller = Teller(
            viewer.account,
            viewer.profile,
            region,
            self._world.now(),
            self._keep_seconds,
            lambda title_id: self._titles.get(title_id) is not None,
        )
        read = [self._read(item, teller) for item in body.events]
        events = [each for _, each in read if isinstance(each, Event)]
        outcomes = iter(await self._log.write(events))
        return Taken(
            items=[
                _told(name, next(outcomes)) if isinstance(each, Event) else _refused(name, each)
                for name, each in read
            ]
        )

    @operation(problems=(UnavailableError,), profile=True)
    async def list(self, request: web.Request, viewer: Viewer, query: PageQuery) -> KeptPage:
        """What is kept of the profile, newest first."""
        before = _parse_number(query.after)
        async with self._database.reading() as connection:
            found = await queries.list_events(connection, viewer.profile, before, query.limit + 1)
        shown = found[: query.limit]
        more = len(found) > query.limit
        return KeptPage(
            items=[_kept(row) for row in shown], next=str(shown[-1].number) if more else None
        )

    @operation(answers={204: Answer("Forgotten.")}, problems=(UnavailableError,), profile=True)
    async def clear(self, request: web.Request, viewer: Viewer) -> web.StreamResponse:
        """Forget what the profile did."""
        async with self._database.begin() as connection:
            await queries.forget(connection, viewer.profile)
        return web.Response(status=204)

    @operation(problems=(UnavailableError,), profile=True)
    async def recording(self, request: web.Request, viewer: Viewer) -> Recording:
        """Whether what the profile does is kept."""
        async with self._database.reading() as connection:
            return Recording(recorded=await queries.is_recorded(connection, viewer.profile))

    @operation(problems=(UnavailableError,), profile=True)
    async def set_recording(
        self, request: web.Request, viewer: Viewer, body: Recording
    ) -> Recording:
        """Keep what the profile does from now on, or not; what is kept already stays."""
        async with self._database.begin() as connection:
            await queries.set_recorded(
                connection, viewer.account, viewer.profile, recorded=body.recorded
            )
        return body

    def _read(self, item: Any, teller: Teller) -> tuple[str, Event | BadRequestError]:
        """The name that an event is answered under, and the event or why it is refused."""
        try:
            body = parse_event(item)
        except BadRequestError as error:
            return "", error
        name = body.id or self._world.make_id()
        try:
            return name, read_event(body, name, teller)
        except BadRequestError as error:
            return name, error


def _parse_number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS_MAX
    return int(text) if is_number else None


def _told(name: str, outcome: Outcome) -> Told:
    if outcome is Outcome.UNRECORDED:
        return Told(id=name, outcome="refused", reason=_UNRECORDED)
    return Told(id=name, outcome="accepted" if outcome is Outcome.ACCEPTED else "duplicate")


def _refused(name: str, error: BadRequestError) -> Told:
    return Told(id=name, outcome="refused", reason=error.detail)


def _kept(row: sa.Row[Any]) -> Kept:
    return Kept(
        id=row.event.partition(":")[2],
        kind=row.kind,
        at=row.at,
        title_id=row.title,
        region=row.region,
        position_seconds=row.position_seconds,
        watched_seconds=row.watched_seconds,
        value=row.value,
        words=row.words,
    )
