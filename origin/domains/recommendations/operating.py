"""What operators do with runs of the batch job: see them, compare two, show one, go back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import ConflictError, NotFoundError, UnavailableError
from cdnkit.service.operations import AUTHORIZE, Answer, operation
from cdnkit.service.patterns import segment
from origin.catalog import recommended
from origin.catalog.catalog import Catalog
from origin.catalog.films import read_film
from origin.catalog.recommended import CONTROL, Run
from origin.domains.recommendations.likeness import likeness
from origin.domains.recommendations.run_shapes import (
    Choice,
    Comparison,
    ComparisonPath,
    LabelPath,
    PromotionList,
    RunDetail,
    RunList,
    RunPath,
    Shown,
    promotion_view,
    run_detail,
    run_view,
)

SCOPE: Final = "operate"
COMPARED_PROFILES: Final = 1_000
_PATH: Final = "/v1/recommendations"


class RecommendationRuns:
    """Handlers."""

    def __init__(self, catalog: Catalog, now: Callable[[], float]) -> None:
        self._titles = catalog.titles
        self._database = catalog.database
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        run, label = f"{_PATH}/runs/{segment('id')}", f"{_PATH}/shown/{segment('label')}"
        return [
            web.get(f"{_PATH}/runs", self.list),
            web.get(run, self.get),
            web.get(f"{run}/against/{segment('other')}", self.compare),
            web.get(f"{_PATH}/promotions", self.promotions),
            web.put(label, self.show),
            web.delete(label, self.withdraw),
        ]

    async def run(self) -> None:
        """Nothing to do by itself."""

    @operation(problems=(UnavailableError,), scope=SCOPE)
    async def list(self, request: web.Request) -> RunList:
        """The runs there are, the newest first."""
        async with self._database.reading() as connection:
            runs = await recommended.list_runs(connection)
            shown = await recommended.promoted(connection)
        return RunList(items=[run_view(run, shown) for run in runs])

    @operation(problems=(NotFoundError, UnavailableError), scope=SCOPE)
    async def get(self, request: web.Request, path: RunPath) -> RunDetail:
        """One run: inputs, duration, quality against what is popular, and more."""
        async with self._database.reading() as connection:
            return await self._detail(connection, path.id)

    @operation(problems=(NotFoundError, UnavailableError), scope=SCOPE)
    async def compare(self, request: web.Request, path: ComparisonPath) -> Comparison:
        """Two runs, and how alike their lists are for up to a thousand profiles."""
        async with self._database.reading() as connection:
            one = await self._detail(connection, path.id)
            other = await self._detail(connection, path.other)
            mine = await recommended.profile_lists(connection, path.id, COMPARED_PROFILES)
            owners = [each.owner for each in mine]
            theirs = await recommended.lists_of_profiles(connection, path.other, owners)
        same_of_ten, same_first = likeness(mine, theirs)
        return Comparison(
            one=one,
            other=other,
            profiles=sum(same_of_ten),
            same_of_ten=same_of_ten,
            same_first=same_first,
        )

    @operation(problems=(UnavailableError,), scope=SCOPE)
    async def promotions(self, request: web.Request) -> PromotionList:
        """Who showed which run to whom, the newest first."""
        async with self._database.reading() as connection:
            found = await recommended.promotions(connection)
        return PromotionList(items=[promotion_view(each) for each in found])

    @operation(problems=(NotFoundError, ConflictError, UnavailableError), scope=SCOPE)
    async def show(self, request: web.Request, path: LabelPath, body: Choice) -> Shown:
        """Show a run to everybody of a label, at once; showing an older one is going back.

        A run that is not finished is refused (409).
        """
        by = str(request.app[AUTHORIZE](request, SCOPE))
        async with self._database.begin() as connection:
            await recommended.promote(connection, body.run, path.label, made_by=by, at=self._now())
        return Shown(label=path.label, run=body.run)

    @operation(
        answers={204: Answer("The label shows what the control group sees.")},
        problems=(ConflictError, UnavailableError),
        scope=SCOPE,
    )
    async def withdraw(self, request: web.Request, path: LabelPath) -> web.StreamResponse:
        """End an experiment: its profiles see what the control group sees."""
        by = str(request.app[AUTHORIZE](request, SCOPE))
        if path.label == CONTROL:
            raise ConflictError("the control group is shown something; show it another run")
        async with self._database.begin() as connection:
            await recommended.withdraw(connection, path.label, made_by=by, at=self._now())
        return web.Response(status=204)

    async def _detail(self, connection: AsyncConnection, run: str) -> RunDetail:
        found: Run | None = await recommended.find_run(connection, run)
        if found is None:
            raise NotFoundError(f"there is no run {run[:100]!r}")
        return run_detail(found, await recommended.promoted(connection), self._name_of)

    def _name_of(self, title: str) -> str:
        row = self._titles.get(title)
        return title if row is None else read_film(row).title
