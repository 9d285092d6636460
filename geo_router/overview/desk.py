"""The overview over HTTP: the whole picture, its history, what is asked most, and changes live.

GET /v1/overview           the picture of now            200
GET /v1/overview/history   the last minutes and hours    200
GET /v1/overview/events    changes, as Server-Sent Events (HTML 9.2)  200
GET /v1/overview/titles    what is asked for most        200, scope operate
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import hdrs, web

from cdnkit.errors import UnavailableError
from cdnkit.service.operations import Answer, operation
from geo_router import answers
from geo_router.overview import declared
from geo_router.overview.board import Board
from geo_router.overview.hub import Event, Hub, Listener
from geo_router.realm import Reign

OVERVIEW_PATH: Final = "/v1/overview"
TITLES_MAX: Final = 20
SEND_SECONDS_MAX: Final = 20.0
"""A reader that takes nothing for so long is gone."""
_LAST_EVENT_ID: Final = "Last-Event-ID"
_FIELDS: Final = {"Cache-Control": "no-store"}


class OverviewDesk:
    """Handlers over the board of one process."""

    def __init__(
        self, board: Board, hub: Hub, reign: Reign, started_at: float, now: Callable[[], float]
    ) -> None:
        self._board = board
        self._hub = hub
        self._reign = reign
        self._started_at = started_at
        self._now = now
        self._history = b""
        self._history_at: float | None = None

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get(OVERVIEW_PATH, self.get_overview),
            web.get(OVERVIEW_PATH + "/history", self.get_history),
            web.get(OVERVIEW_PATH + "/events", self.follow, allow_head=False),
            web.get(OVERVIEW_PATH + "/titles", self.get_titles),
        ]

    @operation(answers={200: Answer("The picture.", declared.OverviewView)}, tag="overview")
    async def get_overview(self, request: web.Request) -> web.StreamResponse:
        """Sites, edges with their states and figures, live routes, and what has happened."""
        return web.json_response(self.snapshot(), headers=_FIELDS)

    @operation(answers={200: Answer("Both rings.", declared.HistoryView)}, tag="overview")
    async def get_history(self, request: web.Request) -> web.StreamResponse:
        """Ten minutes in seconds and six hours in tens of seconds, since this router started."""
        history = self._board.history
        # Rendering takes some 20 ms, in which nobody is routed: once a tick, whoever asks.
        if not self._history or self._history_at != history.fine.ended_at:
            self._history = json.dumps(history.body(), separators=(",", ":")).encode()
            self._history_at = history.fine.ended_at
        return web.Response(body=self._history, content_type="application/json", headers=_FIELDS)

    @operation(
        answers={200: Answer("Most asked first.", declared.TitlesView)},
        scope="operate",
        tag="overview",
    )
    async def get_titles(self, request: web.Request) -> web.StreamResponse:
        """What viewers were sent for most, lately and by this process."""
        choosers = {id(each): each for each in self._reign.realm.families.choosers.values()}
        rates: dict[str, float] = {}
        for chooser in choosers.values():
            for key, per_second in chooser.busiest(TITLES_MAX):
                name = key.decode("utf-8", "replace")
                rates[name] = rates.get(name, 0.0) + per_second
        busiest = sorted(rates.items(), key=lambda each: -each[1])[:TITLES_MAX]
        titles = [{"key": key, "per_second": round(rate, 4)} for key, rate in busiest]
        body = {"now": round(self._now(), 3), "titles": titles}
        return web.json_response(body, headers=_FIELDS)

    @operation(
        answers={
            200: Answer("`picture` first, then `tick` and `change`.", content_type=declared.STREAM)
        },
        problems=(UnavailableError,),
        fields={_LAST_EVENT_ID: "The id of the last event that was taken in."},
        tag="overview",
    )
    async def follow(self, request: web.Request) -> web.StreamResponse:
        """The picture, then what changes: states at once, figures once a second."""
        with self._hub.listening(request.headers.get(_LAST_EVENT_ID, "")) as listener:
            response = web.StreamResponse(headers={**_FIELDS, hdrs.CONTENT_TYPE: declared.STREAM})
            await response.prepare(request)
            with suppress(ConnectionError):
                try:
                    await self._send_all(response, listener)
                except TimeoutError:
                    # Nor would it take the end, for which its connection would be kept.
                    if request.transport is not None:
                        request.transport.abort()
        return response

    def snapshot(self) -> dict[str, Any]:
        """The board's picture with what is known of the installation besides."""
        realm = self._reign.realm
        families, now = realm.families, self._now()
        fleet = answers.fleet_body(families.choosers, families.resorts, now)
        return {
            "router": realm.node.name,
            "workers": realm.node.workers,
            "started_at": round(self._started_at, 3),
            "polled": families.is_polled,
            "routers_heard": {
                router: seconds
                for council in families.councils.values()
                for router, seconds in council.heard(now).items()
            },
            "sites": [
                {"name": site.name, "latitude": site.latitude, "longitude": site.longitude}
                for site in realm.topology.sites
            ],
            "resorts": fleet["resorts"],
            **self._board.snapshot(now),
        }

    async def _send_all(self, response: web.StreamResponse, listener: Listener) -> None:
        while not listener.is_closed:
            if listener.is_behind:
                listener.caught_up()
                data = json.dumps(self.snapshot(), separators=(",", ":"))
                event: Event | None = Event(self._hub.position, "picture", data)
            else:
                event = await listener.next()
            if event is not None:
                async with asyncio.timeout(SEND_SECONDS_MAX):
                    await response.write(_rendered(event))


def _rendered(event: Event) -> bytes:
    return f"id: {event.id}\nevent: {event.name}\ndata: {event.data}\n\n".encode()
