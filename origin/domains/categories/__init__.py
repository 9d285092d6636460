"""Films by genre, tag, person and collection, and the home page.

    GET     /v1/categories              genres, tags, collections       200
    GET     /v1/categories/{id}/titles  films of one, with facets       200
    GET     /v1/people/{name}           films of a person               200
    GET     /v1/collections/{id}        films of a collection           200
    GET     /v1/home                    rows for whoever asks           200
    GET     /v1/rows                    what editors made               200
    GET     /v1/rows/{id}               one row                         200
    PUT     /v1/rows/{id}               save it                         200, 201
    DELETE  /v1/rows/{id}               remove it                       204

Lists need nobody to be signed in; a profile's age limit counts when somebody is. Rows are read and
written with the scope `operate`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from aiohttp import web

from origin.catalog.audience import AudienceOf
from origin.catalog.catalog import Catalog
from origin.domains.categories.handlers import Categories
from origin.domains.categories.home import Home, Source
from origin.domains.categories.keeping import Keeper


class Listings:
    """The domain: lists, home page, rows."""

    def __init__(self, keeper: Keeper, categories: Categories, home: Home) -> None:
        self._keeper = keeper
        self._categories = categories
        self._home = home

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [*self._categories.routes(), *self._home.routes()]

    async def members(self, category: str) -> Collection[str] | None:
        """Ids of the films of a category; None when there is no such category."""
        return (await self._keeper.groups()).members(category)

    async def run(self) -> None:
        """Keep the groups up with the titles."""
        await self._keeper.run()


def open_categories(
    catalog: Catalog,
    *,
    audience_of: AudienceOf,
    sources: Mapping[str, Source],
    report: Callable[[str], None],
    now: Callable[[], float],
) -> Listings:
    """The domain; `sources` pick films for rows of their names."""
    keeper = Keeper(catalog)
    home = Home(
        catalog.database,
        keeper,
        audience_of=audience_of,
        sources=sources,
        report=report,
        now=now,
    )
    return Listings(keeper, Categories(keeper, audience_of), home)
