"""Handlers of licences, and the question that playbacks ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import NotFoundError, UnavailableError
from cdnkit.service.operations import Answer, operation, reply
from cdnkit.service.patterns import segment
from origin.catalog.catalog import Catalog
from origin.domains.licences import queries
from origin.domains.licences.queries import to_row
from origin.domains.licences.rules import Allowed, Licence, RightsError, TerritoryError, decide
from origin.domains.licences.shapes import (
    Availability,
    AvailabilityQuery,
    LicenceBody,
    LicencePage,
    LicencePath,
    LicencesQuery,
    LicenceView,
    TitlePath,
)
from origin.domains.licences.showing import Showing

SCOPE: Final = "operate"
PATH: Final = "/v1/licences"
_log = structlog.get_logger()


class Licences:
    """Handlers, and the question that playbacks ask."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        required: bool,
        make_id: Callable[[], str],
        now: Callable[[], float],
    ) -> None:
        self._titles = catalog.titles
        self.database = catalog.database
        self._required = required
        self._make_id = make_id
        self._now = now
        self.showing = Showing(
            self.database,
            lambda: (row.title_id for row in catalog.titles.page(limit=len(catalog.titles) + 1)[0]),
            required=required,
            now=now,
        )

    async def run(self) -> None:
        """Nothing to do by itself."""

    async def decide(
        self, connection: AsyncConnection, title_id: str, territory: str, plan: str
    ) -> Allowed:
        """What may be done with a title. Raises RightsError and TerritoryError; both are logged."""
        found = await queries.find_of_title(connection, title_id)
        try:
            return decide(found, territory, plan, self._now(), required=self._required)
        except (RightsError, TerritoryError) as error:
            facts = {"code": error.code, **error.extra}
            _log.info("refused by rights", title=title_id, territory=territory, **facts)
            raise

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        path = f"{PATH}/{segment('id')}"
        return [
            web.get(PATH, self.list),
            web.post(PATH, self.add),
            web.get(path, self.get),
            web.put(path, self.replace),
            web.delete(path, self.take_back),
            web.get(f"/v1/titles/{segment('title_id')}/availability", self.get_availability),
        ]

    @operation(problems=(UnavailableError,), scope=SCOPE)
    async def list(self, request: web.Request, query: LicencesQuery) -> LicencePage:
        """The licences, of one title or all."""
        async with self.database.reading() as connection:
            found = await queries.page(connection, query.title_id, query.after, query.limit + 1)
        shown = found[: query.limit]
        following = shown[-1].id if len(found) > query.limit else None
        return LicencePage(items=[_view(each) for each in shown], next=following)

    @operation(
        answers={201: Answer("The licence holds.", LicenceView, headers={"Location": "It."})},
        problems=(NotFoundError, UnavailableError),
        scope=SCOPE,
    )
    async def add(self, request: web.Request, body: LicenceBody) -> web.StreamResponse:
        """One licence more."""
        licence = _licence(self._make_id(), body)
        await self._save(licence)
        return reply(_view(licence), 201, {"Location": f"{PATH}/{licence.id}"})

    @operation(problems=(NotFoundError, UnavailableError), scope=SCOPE)
    async def get(self, request: web.Request, path: LicencePath) -> LicenceView:
        """One licence."""
        async with self.database.reading() as connection:
            return _view(_found(await queries.find(connection, path.id), path.id))

    @operation(problems=(NotFoundError, UnavailableError), scope=SCOPE)
    async def replace(
        self, request: web.Request, path: LicencePath, body: LicenceBody
    ) -> LicenceView:
        """Change what a licence allows; tokens that are out keep what they say."""
        async with self.database.reading() as connection:
            kept = _found(await queries.find(connection, path.id), path.id)
        licence = _licence(kept.id, body)
        await self._save(licence)
        return _view(licence)

    @operation(
        answers={204: Answer("It is taken back.")},
        problems=(NotFoundError, UnavailableError),
        scope=SCOPE,
    )
    async def take_back(self, request: web.Request, path: LicencePath) -> web.StreamResponse:
        """Take a licence back; nobody gets a new token by it."""
        async with self.database.begin() as connection:
            if not await queries.remove(connection, path.id):
                raise NotFoundError(f"there is no licence {path.id[:60]!r}")
        self.showing.forget()
        return web.Response(status=204)

    @operation(problems=(NotFoundError, UnavailableError))
    async def get_availability(
        self, request: web.Request, path: TitlePath, query: AvailabilityQuery
    ) -> Availability:
        """Whether a title may be watched in a country with a plan, now."""
        self._require_title(path.title_id)
        async with self.database.reading() as connection:
            found = await queries.find_of_title(connection, path.title_id)
        territory, plan = query.territory or "", query.plan or ""
        try:
            allowed = decide(found, territory, plan, self._now(), required=self._required)
        except (RightsError, TerritoryError) as error:
            return Availability(
                available=False, until=None, reason=str(error.extra.get("reason", "territory"))
            )
        licence = allowed.licence
        if licence is None:
            return Availability(available=True, until=None, downloads=True)
        return Availability(
            available=True,
            until=licence.ends_at,
            height_max=licence.height_max,
            downloads=licence.downloads,
        )

    async def _save(self, licence: Licence) -> None:
        self._require_title(licence.title_id)
        async with self.database.begin() as connection:
            await queries.save(connection, licence)
        self.showing.forget()

    def _require_title(self, title_id: str) -> None:
        if self._titles.get(title_id) is None:
            raise NotFoundError(f"there is no title {title_id[:64]!r}")


def _licence(licence_id: str, body: LicenceBody) -> Licence:
    values = body.model_dump()
    return Licence(
        licence_id,
        **{**values, "territories": tuple(values["territories"]), "plans": tuple(values["plans"])},
    )


def _view(licence: Licence) -> LicenceView:
    return LicenceView(**to_row(licence))


def _found(licence: Licence | None, licence_id: str) -> Licence:
    if licence is None:
        raise NotFoundError(f"there is no licence {licence_id[:60]!r}")
    return licence
