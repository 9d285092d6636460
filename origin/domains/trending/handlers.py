"""What is trending, over HTTP and for other parts of the film service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from itertools import islice

from aiohttp import web

from cdnkit.errors import NotFoundError, UnauthorizedError
from cdnkit.service.operations import operation
from origin.catalog.audience import Audience, AudienceOf
from origin.catalog.catalog import Catalog
from origin.catalog.films import Film, read_film
from origin.domains.trending.following import Follower
from origin.domains.trending.rules import EVERYWHERE, Standing
from origin.domains.trending.shapes import (
    TrendingAnswer,
    TrendingQuery,
    counting_view,
    trending_view,
)

Members = Callable[[str], Awaitable[Collection[str] | None]]
"""Ids of the films of a category; None when there is no such category."""


class Trending:
    """A domain of the film service."""

    def __init__(
        self, catalog: Catalog, follower: Follower, audience_of: AudienceOf, members: Members
    ) -> None:
        self._titles = catalog.titles
        self._follower = follower
        self._audience_of = audience_of
        self._members = members

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [web.get("/v1/trending", self.list)]

    async def run(self) -> None:
        """Keep the count up with the log."""
        await self._follower.run()

    @operation(problems=(UnauthorizedError, NotFoundError))
    async def list(self, request: web.Request, query: TrendingQuery) -> TrendingAnswer:
        """Films that are watched more than before, and how that is counted."""
        audience = await self._audience_of(request)
        members = await self._members(query.category) if query.category else None
        if query.category and members is None:
            raise NotFoundError(f"there are no films of {query.category[:100]!r}")
        standing = self._follower.standing(query.region)
        films = self._films(standing, audience, members)
        return TrendingAnswer(
            region=query.region,
            category=query.category,
            items=[
                trending_view(film, standing.score(film.id)) for film in islice(films, query.limit)
            ],
            counting=counting_view(standing.at, self._follower.settings.half_life_seconds),
        )

    async def pick(self, audience: Audience, limit: int) -> Sequence[str]:
        """Ids of the most watched titles that somebody may see.

        Those of their country first; what everybody watches fills the row.
        """
        picked: dict[str, None] = {}
        for region in (audience.region, EVERYWHERE) if audience.region else (EVERYWHERE,):
            films = self._films(self._follower.standing(region), audience, None)
            new = (film.id for film in films if film.id not in picked)
            picked.update(dict.fromkeys(islice(new, limit - len(picked))))
        return list(picked)

    def popularity(self, title_id: str) -> float:
        """How much a title is watched of late, from 0 to 1."""
        return self._follower.standing(EVERYWHERE).popularity(title_id)

    def _films(
        self, standing: Standing, audience: Audience, members: Collection[str] | None
    ) -> Iterator[Film]:
        """Those that are there and may be seen, the highest score first."""
        for title_id in standing.order:
            if members is not None and title_id not in members:
                continue
            row = self._titles.get(title_id)
            film = None if row is None else read_film(row)
            if film is not None and audience.may_see(film.id, film.age):
                yield film
