"""The film service's composition root: opens each domain over the origin's catalog.

The only module that knows all domains; what one has to know of another is handed to it here, as a
function. Which routes a domain answers and what it does in the background is its own business.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.service.auth import Identify
from cdnkit.service.lasting import end_tasks, start_lasting
from cdnkit.service.metrics import Telemetry
from cdnkit.service.viewers import FIND_VIEWER, FindViewer
from config.service import Service
from origin.catalog import recommended
from origin.catalog.audience import Audience, AudienceOf
from origin.catalog.catalog import Catalog
from origin.catalog.jobs import Jobs
from origin.domains.accounts.app import open_accounts
from origin.domains.accounts.leaving import Keeper
from origin.domains.accounts.queries import find_contact
from origin.domains.activity import queries as logged
from origin.domains.activity.handlers import Activity, World
from origin.domains.activity.keeping import Log
from origin.domains.audience import HiddenTitles, make_audience_of
from origin.domains.categories import open_categories
from origin.domains.history import queries as watched
from origin.domains.history.handlers import History
from origin.domains.history.rules import Heartbeat, resume_seconds
from origin.domains.licences.handlers import Licences
from origin.domains.licences.rules import Allowed
from origin.domains.notifications import queries as told
from origin.domains.notifications.app import open_notifications
from origin.domains.notifications.channels import Contact
from origin.domains.payments import app as payments
from origin.domains.playback import queries as playing
from origin.domains.playback.handlers import Playbacks, Sources, Terms
from origin.domains.playback.rules import Entitlement, Grant, Lease
from origin.domains.playback.territory import Territories
from origin.domains.recommendations.handlers import Recommendations
from origin.domains.recommendations.operating import RecommendationRuns
from origin.domains.search import open_search
from origin.domains.trending import open_trending

_SEEN_MAX: Final = 200
"""Titles watched since the last run of the batch job: nobody watches more between two."""


class Domain(Protocol):
    """What the film service is made of."""

    def routes(self) -> Sequence[web.RouteDef]:
        """What to mount."""
        ...

    async def run(self) -> None:
        """Work in the background until cancelled, or return when there is nothing to do."""
        ...


@runtime_checkable
class Lingering(Protocol):
    """A domain with answers that go on until something happens."""

    def let_go(self) -> None:
        """The application shuts down: end them."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every domain may stand on: settings, rows, time, and where failures are told."""

    settings: Service
    catalog: Catalog
    data: Path
    """A folder of this origin's own."""
    site_url: str
    report: Callable[[str], None]
    now: Callable[[], float]
    telemetry: Telemetry = field(default_factory=lambda: Telemetry("origin", "film-service"))
    router_url: str = ""
    """Where players ask for the nearest edge; empty: they play from this origin."""
    token_keys: Mapping[str, bytes] = field(default_factory=dict)
    """Keys of playback tokens by id, the one that signs first."""


class People(Protocol):
    """Who knows who somebody is."""

    @property
    def find_viewer(self) -> FindViewer:
        """For handlers that take a viewer."""
        ...

    @property
    def identify(self) -> Identify:
        """For handlers that ask for a scope."""
        ...


class FilmService:
    """All domains of one origin."""

    def __init__(self, domains: Sequence[Domain], people: People | None = None) -> None:
        self._domains = tuple(domains)
        self._people = people

    def mount(
        self, app: web.Application, recognise: Callable[[Identify], None] | None = None
    ) -> None:
        """Add the routes, and the work that goes on while the application runs.

        Signed-in people are made known to `recognise`.
        """
        if self._people is not None:
            app[FIND_VIEWER] = self._people.find_viewer
        if self._people is not None and recognise is not None:
            recognise(self._people.identify)
        for domain in self._domains:
            app.add_routes(domain.routes())
        app.cleanup_ctx.append(self._running)
        app.on_shutdown.append(self._let_go)

    async def _let_go(self, _app: web.Application) -> None:
        for domain in self._domains:
            if isinstance(domain, Lingering):
                domain.let_go()

    async def _running(self, _app: web.Application) -> AsyncIterator[None]:
        tasks = [
            start_lasting(type(domain).__name__.lower(), domain.run) for domain in self._domains
        ]
        yield
        await end_tasks(*tasks)


async def open_film_service(around: Surroundings) -> FilmService:
    """The domains, opened. Raises UnavailableError."""
    notifications = open_notifications(
        around.settings,
        around.catalog.database,
        around.site_url,
        _find_contact,
        around.telemetry,
        around.report,
        around.now,
    )
    accounts = await open_accounts(
        around.settings.accounts,
        around.catalog.database,
        site_url=around.site_url,
        client_of=client_of,
        keepers=(
            Keeper("notifications", told.export, told.erase, told.erase_profile),
            Keeper("payments", payments.export, payments.erase),
            Keeper("history", watched.export, watched.erase, watched.forget),
            Keeper("streams", playing.export, playing.erase, playing.erase_profile),
            Keeper(
                "recommendations",
                recommended.export,
                recommended.erase,
                recommended.erase_profile,
            ),
            Keeper("activity", logged.export, logged.erase, logged.erase_profile),
        ),
        report=around.report,
        now=around.now,
    )
    history = History(around.catalog, around.settings.watching.lease_seconds)
    territories = Territories(around.router_url, client_of, around.now)
    licences = Licences(
        around.catalog,
        required=around.settings.watching.licences_required,
        make_id=_make_id,
        now=around.now,
    )

    domains: Sequence[Domain] = (
        accounts,
        notifications,
        history,
        *_open_payments(around),
        *_open_finding(around, history, licences.showing.hidden, territories),
        *_open_watching(around, history, licences, territories),
    )
    return FilmService(domains, accounts)


def _open_finding(
    around: Surroundings, history: History, hidden: HiddenTitles, territories: Territories
) -> Sequence[Domain]:
    """What viewers find films by."""

    async def begun(audience: Audience, limit: int) -> Sequence[str]:
        found = await history.begun(audience.profile) if audience.profile else ()
        return [each.title_id for each in found[:limit]]

    async def members(category: str) -> Collection[str] | None:
        return await categories.members(category)

    audience_of = make_audience_of(around.settings.anonymous_age_max, territories.find, hidden)
    trending = open_trending(
        around.settings.trending,
        around.catalog,
        audience_of=audience_of,
        members=members,
        report=around.report,
        now=around.now,
    )
    recommendations = _open_recommendations(around, audience_of)
    search = open_search(
        around.catalog,
        around.data / "search",
        refresh_seconds=around.settings.search_refresh_seconds,
        audience_of=audience_of,
        popularity=trending.popularity,
        report=around.report,
    )
    categories = open_categories(
        around.catalog,
        audience_of=audience_of,
        sources={
            "continue": begun,
            "trending": trending.pick,
            "recommendations": recommendations.pick,
        },
        report=around.report,
        now=around.now,
    )
    runs = RecommendationRuns(around.catalog, around.now)
    return search, categories, trending, recommendations, runs


def _open_recommendations(around: Surroundings, audience_of: AudienceOf) -> Recommendations:
    """What the batch job made of each profile's history."""

    async def seen_by(profile: str) -> Collection[str]:
        async with around.catalog.database.reading() as connection:
            found = await watched.list_positions(connection, profile, None, _SEEN_MAX)
        return {each.title_id for each in found}

    return Recommendations(
        around.catalog,
        audience_of=audience_of,
        watched=seen_by,
        trial_share=around.settings.recommendations.trial_share,
    )


def _open_payments(around: Surroundings) -> Sequence[Domain]:
    """What is sold, where anything is."""
    settings, database = around.settings.payments, around.catalog.database
    if settings is None:
        return ()
    return (payments.open_payments(settings, database, around.report, around.now),)


def client_of(request: web.Request) -> str:
    """The IP address that a request comes from; empty when the connection tells none."""
    return request.remote or ""


async def _find_contact(connection: AsyncConnection, reader: str) -> Contact | None:
    found = await find_contact(connection, reader)
    return None if found is None else Contact(*found)


def _open_watching(
    around: Surroundings, history: History, licences: Licences, territories: Territories
) -> Sequence[Domain]:
    """Rights, and playbacks on top of them."""
    settings = around.settings.watching
    jobs = Jobs(around.catalog.database, around.now)

    async def entitlement(connection: AsyncConnection, account: str) -> Entitlement | None:
        if around.settings.payments is None:
            return Entitlement("", settings.streams_max)
        paid = await payments.entitlement(connection, account, around.now())
        if paid is None:
            return None
        return Entitlement(paid.plan, paid.streams_max, paid.height_max)

    async def grant(connection: AsyncConnection, title_id: str, territory: str, plan: str) -> Grant:
        return _grant_of(await licences.decide(connection, title_id, territory, plan))

    async def published(title_id: str) -> Mapping[str, Any] | None:
        job = await jobs.find(title_id)
        return None if job is None or not job.published else job.published

    async def resume(profile: str, title_id: str) -> tuple[float, int]:
        position = await history.position(profile, title_id)
        return resume_seconds(position), 0 if position is None else position.counter

    async def record(lease: Lease, counter: int, position: float) -> None:
        await history.record(_heartbeat(lease, counter, position, around.now()))

    async def stopped_at(connection: AsyncConnection, lease: Lease) -> float:
        position = await watched.find_position(connection, lease.profile, lease.title_id)
        return 0.0 if position is None else position.position_seconds

    sources = Sources(entitlement, grant, published, territories.find, resume, record, stopped_at)
    # Without a router players ask this origin, which checks no tokens.
    base = around.router_url or f"{around.site_url}/v1/content"
    terms = Terms(
        base_url=base,
        keys=around.token_keys if around.router_url else {},
        heartbeat_seconds=settings.heartbeat_seconds,
        lease_seconds=settings.lease_seconds,
        token_seconds=settings.token_seconds,
        binds_address=settings.bind_address,
    )
    playbacks = Playbacks(around.catalog, sources, terms, make_id=_make_id, now=around.now)
    return licences, playbacks, territories, _open_activity(around, territories)


def _open_activity(around: Surroundings, territories: Territories) -> Activity:
    """What is told of viewers over HTTP; playbacks and history tell the log themselves."""
    keep_seconds = around.settings.activity.keep_seconds
    log = Log(around.catalog.database, keep_seconds, around.report, around.now)
    world = World(territories.find, around.now, _make_id)
    return Activity(around.catalog, log, keep_seconds, world)


def _heartbeat(lease: Lease, counter: int, position: float, now: float) -> Heartbeat:
    return Heartbeat(
        account=lease.account,
        profile=lease.profile,
        title_id=lease.title_id,
        counter=counter,
        position_seconds=position,
        duration_seconds=lease.duration_seconds,
        at=now,
        session=lease.id,
        region=lease.region,
    )


def _grant_of(allowed: Allowed) -> Grant:
    licence = allowed.licence
    if licence is None:
        return Grant()
    return Grant(
        licence.until,
        licence.ends_streams,
        licence.height_max,
        licence.territories,
        licence.id,
    )


def _make_id() -> str:
    return secrets.token_urlsafe(12)
