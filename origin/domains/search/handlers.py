"""Search and suggestions over HTTP.

What may be asked and how it is shown is for `shapes`, what matches for the index, what it weighs
for `rules`; who may see what comes in as an audience.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from aiohttp import web

from cdnkit.errors import UnauthorizedError
from cdnkit.service.operations import operation
from origin.catalog.audience import AudienceOf
from origin.catalog.catalog import Catalog
from origin.catalog.films import Film, read_film
from origin.domains.search.asking import Filters
from origin.domains.search.index import Found
from origin.domains.search.keeping import Keeper
from origin.domains.search.rules import Asked, ranked, read_query
from origin.domains.search.shapes import (
    FacetView,
    SearchAnswer,
    SearchQuery,
    Suggestions,
    SuggestionView,
    SuggestQuery,
    filters_of,
    hit_view,
)

_CANDIDATES: Final = 100
"""So many of the best matches are put in order by popularity as well."""

Popularity = Callable[[str], float]
"""How popular a title is, from 0 to 1."""


class Search:
    """Handlers of /v1/search and /v1/suggest."""

    def __init__(
        self,
        catalog: Catalog,
        keeper: Keeper,
        *,
        audience_of: AudienceOf,
        popularity: Popularity,
        timer: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._keeper = keeper
        self._audience_of = audience_of
        self._popularity = popularity
        self._timer = timer

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [web.get("/v1/search", self.search), web.get("/v1/suggest", self.suggest)]

    async def run(self) -> None:
        """Keep the index."""
        await self._keeper.run()

    @operation(problems=(UnauthorizedError,))
    async def search(self, request: web.Request, query: SearchQuery) -> SearchAnswer:
        """Find films by words of their titles, people and overviews."""
        began = self._timer()
        asked = read_query(query.q)
        filters = filters_of(query, await self._audience_of(request))
        found = await self._keeper.find(asked, filters, _CANDIDATES, with_facets=True)
        films = islice(self._films(found, asked), query.limit)
        return SearchAnswer(
            items=[hit_view(film, score, asked) for film, score in films],
            total=found.total,
            facets={
                name: [FacetView(value=value, count=count) for value, count in counts]
                for name, counts in (found.facets or {}).items()
            },
            took_ms=round((self._timer() - began) * 1000, 3),
            building=self._keeper.is_building,
        )

    @operation(problems=(UnauthorizedError,))
    async def suggest(self, request: web.Request, query: SuggestQuery) -> Suggestions:
        """Titles that what is being typed may become."""
        asked = read_query(query.q)
        if not asked.words:
            return Suggestions(items=[])
        audience = await self._audience_of(request)
        filters = Filters(age_max=audience.age_max, hidden=audience.hidden)
        found = await self._keeper.find(asked, filters, _CANDIDATES, with_facets=False)
        films = _one_of_a_name(film for film, _ in self._films(found, asked))
        return Suggestions(
            items=[
                SuggestionView(id=film.id, title=film.title, year=film.year)
                for film in islice(films, query.limit)
            ]
        )

    def _films(self, found: Found, asked: Asked) -> Iterator[tuple[Film, float]]:
        """What was found and is still there, with scores, the best first."""
        hits = [(key, ranked(score, self._popularity(key))) for key, score in found.hits]
        if asked.words:
            hits.sort(key=lambda hit: -hit[1])
        for film_id, score in hits:
            row = self._catalog.titles.get(film_id)
            if row is not None:
                yield read_film(row), score


def _one_of_a_name(films: Iterable[Film]) -> Iterator[Film]:
    names: set[str] = set()
    for film in films:
        name = film.title.casefold()
        if name not in names:
            names.add(name)
            yield film
