"""Handlers of playbacks: one asks everything that may be in the way, then mints the token."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import ConflictError, NotFoundError, UnavailableError
from cdnkit.service.operations import Answer, operation, reply
from cdnkit.service.patterns import segment
from cdnkit.service.viewers import Viewer
from origin.catalog.catalog import Catalog
from origin.catalog.together import Together
from origin.domains.playback import queries
from origin.domains.playback.minting import mint, network_of
from origin.domains.playback.rules import (
    AgeError,
    Entitlement,
    Grant,
    Lease,
    PlanNeededError,
    StreamLimitError,
    lower,
    play_urls,
    require_age,
    require_room,
    token_end,
    token_prefix,
)
from origin.domains.playback.shapes import (
    Beat,
    Beginning,
    Playback,
    PlaybackPath,
    Stream,
    Streams,
)

PATH: Final = "/v1/playback"
_DONE: Final = Answer("Done.")


@dataclass(frozen=True, slots=True)
class Terms:
    """How playbacks are kept: settings, and the keys that sign tokens, the first of them today's.

    `base_url` is where players ask: a router, or the origin itself.
    """

    base_url: str
    keys: Mapping[str, bytes]
    heartbeat_seconds: float
    lease_seconds: float
    token_seconds: float
    binds_address: bool


@dataclass(frozen=True, slots=True)
class Sources:
    """What playbacks ask of the rest of the film service."""

    entitlement: Callable[[AsyncConnection, str], Awaitable[Entitlement | None]]
    """What an account may watch, by what it has paid for; None when it has nothing."""
    grant: Callable[[AsyncConnection, str, str, str], Awaitable[Grant]]
    """What the rights of a title allow in a territory with a plan; raises what refuses it."""
    published: Callable[[str], Awaitable[Mapping[str, Any] | None]]
    """The package of a title that viewers get."""
    territory: Callable[[web.Request], Awaitable[str]]
    """The country a request comes from; empty when nobody knows."""
    resume: Callable[[str, str], Awaitable[tuple[float, int]]]
    """Where a profile goes on in a title, and its last counter."""
    record: Callable[[Lease, int, float], Awaitable[None]]
    """Keep where a viewer is: the stream, its counter, and the position in seconds."""
    stopped_at: Callable[[AsyncConnection, Lease], Awaitable[float]]
    """Where a stream is, in seconds."""


class Playbacks:
    """Handlers."""

    def __init__(
        self,
        catalog: Catalog,
        sources: Sources,
        terms: Terms,
        *,
        make_id: Callable[[], str],
        now: Callable[[], float],
    ) -> None:
        self._titles = catalog.titles
        self._database = catalog.database
        self._sources = sources
        self._terms = terms
        self._make_id = make_id
        self._now = now
        self._heard: Together[tuple[str, float], bool] = Together(catalog.database, queries.touch)

    async def run(self) -> None:
        """Nothing to do by itself: a stale lease is freed by who wants its place."""

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        path = f"{PATH}/{segment('id')}"
        return [
            web.post(PATH, self.begin),
            web.get(PATH, self.list),
            web.post(f"{path}/heartbeat", self.beat),
            web.delete(path, self.end),
        ]

    @operation(
        answers={201: Answer("It may be played.", Playback)},
        problems=(
            NotFoundError,
            AgeError,
            PlanNeededError,
            ConflictError,
            StreamLimitError,
            UnavailableError,
        ),
        profile=True,
    )
    async def begin(
        self, request: web.Request, viewer: Viewer, body: Beginning
    ) -> web.StreamResponse:
        """Ask to watch a title."""
        title = self._find_title(body.title_id)
        require_age(title, viewer.age_max)
        territory = await self._sources.territory(request)
        entitlement, grant = await self._allow(viewer, body.title_id, territory)
        lease = self._lease(viewer, body, title, territory)
        position, counter = await self._sources.resume(viewer.profile, body.title_id)
        await self._take_place(lease, entitlement, position)
        published = await self._sources.published(body.title_id)
        ends_at = token_end(self._now(), self._terms.token_seconds, grant)
        prefix = token_prefix(title, published)
        network = network_of(request.remote) if self._terms.binds_address else ""
        token = mint(self._terms.keys, lease.id, grant, prefix, ends_at, network)
        urls = play_urls(self._terms.base_url, token, title, published)
        answer = Playback(
            session_id=lease.id,
            token=token,
            manifest_hls=urls["hls"],
            manifest_dash=urls["dash"],
            progressive=str(urls["progressive"]),
            position_seconds=position,
            counter=counter,
            height_max=lower(entitlement.height_max, grant.height_max),
            expires_at=ends_at,
            ends_at=grant.until if grant.ends_streams else None,
            heartbeat_seconds=self._terms.heartbeat_seconds,
        )
        return reply(answer, 201)

    @operation(problems=(UnavailableError,))
    async def list(self, request: web.Request, viewer: Viewer) -> Streams:
        """Who watches of the account, oldest first."""
        since = self._now() - self._terms.lease_seconds
        async with self._database.reading() as connection:
            found = await queries.of_account(connection, viewer.account, since)
        return Streams(items=[_view(each) for each in found])

    @operation(
        answers={204: Answer("The stream goes on.")},
        problems=(NotFoundError, UnavailableError),
        profile=True,
    )
    async def beat(
        self, request: web.Request, viewer: Viewer, path: PlaybackPath, body: Beat
    ) -> web.StreamResponse:
        """Say where the viewer is; keeps the stream's place and the profile's history."""
        lease = await self._find(path.id, viewer)
        await self._sources.record(lease, body.counter, body.position_seconds)
        if not await self._heard.do((lease.id, self._now())):
            raise NotFoundError("this stream has ended")
        return web.Response(status=204)

    @operation(answers={204: _DONE}, problems=(NotFoundError, UnavailableError))
    async def end(
        self, request: web.Request, viewer: Viewer, path: PlaybackPath
    ) -> web.StreamResponse:
        """Give the stream's place back."""
        async with self._database.begin() as connection:
            lease = await queries.find(connection, path.id, viewer.account)
            if lease is None or not await queries.end(connection, lease.id, viewer.account):
                raise NotFoundError("this stream has ended")
            position = await self._sources.stopped_at(connection, lease)
            await queries.log_end(connection, lease, position, self._now())
        return web.Response(status=204)

    async def _allow(
        self, viewer: Viewer, title_id: str, territory: str
    ) -> tuple[Entitlement, Grant]:
        async with self._database.reading() as connection:
            entitlement = await self._sources.entitlement(connection, viewer.account)
            if entitlement is None:
                raise PlanNeededError("Watching needs a plan.")
            grant = await self._sources.grant(connection, title_id, territory, entitlement.plan)
        return entitlement, grant

    async def _take_place(self, lease: Lease, entitlement: Entitlement, position: float) -> None:
        stale = lease.seen_at - self._terms.lease_seconds

        async def take(connection: AsyncConnection) -> None:
            await queries.lock_account(connection, lease.account)
            await queries.drop_stale(connection, lease.account, stale)
            running = await queries.of_account(connection, lease.account, stale)
            require_room(running, entitlement.streams_max)
            await queries.add(connection, lease)
            await queries.log_beginning(connection, lease, position)

        await self._database.transact(take)

    async def _find(self, lease_id: str, viewer: Viewer) -> Lease:
        async with self._database.reading() as connection:
            lease = await queries.find(connection, lease_id, viewer.account)
        if lease is None or lease.profile != viewer.profile:
            raise NotFoundError("this stream has ended")
        return lease

    def _find_title(self, title_id: str) -> dict[str, Any]:
        row = self._titles.get(title_id)
        if row is None:
            raise NotFoundError(f"there is no title {title_id!r}")
        title: dict[str, Any] = json.loads(row.body)
        if not title.get("media"):
            raise ConflictError("this title has no film yet")
        return title

    def _lease(
        self, viewer: Viewer, body: Beginning, title: Mapping[str, Any], territory: str
    ) -> Lease:
        now = self._now()
        length = title.get("duration_seconds")
        return Lease(
            id=self._make_id(),
            account=viewer.account,
            profile=viewer.profile,
            title_id=body.title_id,
            device=body.device or "a device",
            duration_seconds=float(length) if isinstance(length, int | float) else 0.0,
            started_at=now,
            seen_at=now,
            region=territory,
        )


def _view(lease: Lease) -> Stream:
    return Stream(
        id=lease.id,
        profile=lease.profile,
        title_id=lease.title_id,
        device=lease.device,
        started_at=lease.started_at,
    )
