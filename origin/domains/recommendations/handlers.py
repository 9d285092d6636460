"""Handlers of recommendations, and the row of the home page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from functools import cache
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from cdnkit.errors import UnavailableError
from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Shape, operation
from cdnkit.service.viewers import Viewer
from origin.catalog import recommended
from origin.catalog.audience import Audience, AudienceOf
from origin.catalog.catalog import Catalog
from origin.catalog.films import Film, read_film
from origin.catalog.recommended import Item, Shown
from origin.domains.recommendations.rules import label_of, visible_items

LIMIT_MAX: Final = 50

Watched = Callable[[str], Awaitable[Collection[str]]]
"""Ids of titles that a profile watched."""
FindFilm = Callable[[str], Film | None]
"""A title that may be seen, by its id."""


class RecommendationsQuery(Shape):
    """How many are wanted."""

    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX), DIGITS] = 20


class Because(Shape):
    """The title that speaks for another one most."""

    id: str
    title: str


class Recommended(Shape):
    """A title; `because` is missing where it is only popular in the region."""

    id: str
    title: str
    year: int | None
    poster: str
    because: Because | None = None


class RecommendedList(Shape):
    """Titles, the best first. `made_at` is the moment of what is known, in epoch seconds."""

    made_at: float | None = Field(description="Missing as long as nothing was ever made.")
    run: str
    label: str = Field(description="The side of an experiment that the profile is on.")
    items: list[Recommended]


class Recommendations:
    """Handlers, and what the home page asks."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        audience_of: AudienceOf,
        watched: Watched,
        trial_share: float,
    ) -> None:
        self._titles = catalog.titles
        self._database = catalog.database
        self._audience_of = audience_of
        self._watched = watched
        self._trial_share = trial_share

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [web.get("/v1/recommendations", self.list)]

    async def run(self) -> None:
        """Nothing to do by itself."""

    @operation(problems=(UnavailableError,), profile=True)
    async def list(
        self, request: web.Request, viewer: Viewer, query: RecommendationsQuery
    ) -> RecommendedList:
        """Titles for the viewer's profile, with what speaks for each."""
        label = label_of(viewer.profile, self._trial_share)
        audience = await self._audience_of(request)
        shown = await self._find(viewer.profile, label, audience.region)
        if shown is None:
            return RecommendedList(made_at=None, run="", label=label, items=[])
        find = self._finder(audience)
        items = await self._visible(shown, find, viewer.profile, query.limit)
        return RecommendedList(
            made_at=shown.run.made_at,
            run=shown.run.id,
            label=label,
            items=[view for item in items for view in _views(item, find)],
        )

    async def pick(self, audience: Audience, limit: int) -> Sequence[str]:
        """Ids of titles for the home page's row. Raises UnavailableError."""
        label = label_of(audience.profile, self._trial_share)
        shown = await self._find(audience.profile, label, audience.region)
        if shown is None:
            return ()
        items = await self._visible(shown, self._finder(audience), audience.profile, limit)
        return [item.title for item in items]

    async def _find(self, profile: str, label: str, region: str) -> Shown | None:
        async with self._database.reading() as connection:
            return await recommended.find_shown(connection, label, profile, region)

    async def _visible(
        self, shown: Shown, find: FindFilm, profile: str, limit: int
    ) -> Sequence[Item]:
        # Since the lists were made.
        watched = await self._watched(profile) if profile else ()
        return visible_items(shown, lambda title: find(title) is not None, watched, limit)

    def _finder(self, audience: Audience) -> FindFilm:
        """Titles that an audience may see; each is read once."""

        @cache
        def find(title: str) -> Film | None:
            row = self._titles.get(title) if title else None
            film = None if row is None else read_film(row)
            return film if film is not None and audience.may_see(film.id, film.age) else None

        return find


def _views(item: Item, find: FindFilm) -> Iterator[Recommended]:
    """One; none for a title that went meanwhile."""
    film, reason = find(item.title), find(item.reason)
    because = None if reason is None else Because(id=reason.id, title=reason.title)
    if film is not None:
        yield Recommended(
            id=film.id, title=film.title, year=film.year, poster=film.poster, because=because
        )
