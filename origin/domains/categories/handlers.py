"""Lists of films by genre, tag, person and collection over HTTP."""

from __future__ import annotations

from itertools import islice

from aiohttp import web

from cdnkit.errors import BadRequestError, NotFoundError, UnauthorizedError
from cdnkit.service.operations import operation
from cdnkit.service.patterns import segment
from origin.catalog.audience import Audience, AudienceOf
from origin.domains.categories.keeping import Keeper
from origin.domains.categories.rules import (
    COLLECTION,
    GENRE,
    PERSON,
    TAG,
    Groups,
    Wish,
    facets,
    format_place,
    group_id,
    parse_place,
)
from origin.domains.categories.shapes import (
    CategoriesQuery,
    CategoryFacetView,
    CategoryList,
    FilmsPage,
    FilmsQuery,
    GroupPath,
    PersonPath,
    card_view,
    category_view,
)


class Categories:
    """Handlers of the lists."""

    def __init__(self, keeper: Keeper, audience_of: AudienceOf) -> None:
        self._keeper = keeper
        self._audience_of = audience_of

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        one = "/" + segment("id")
        return [
            web.get("/v1/categories", self.list),
            web.get(f"/v1/categories{one}/titles", self.titles),
            web.get("/v1/people/" + segment("name"), self.person),
            web.get(f"/v1/collections{one}", self.collection),
        ]

    @operation(problems=(UnauthorizedError,))
    async def list(self, request: web.Request, query: CategoriesQuery) -> CategoryList:
        """Genres, tags and collections that have films to show, each with how many."""
        audience = await self._audience_of(request)
        groups = await self._keeper.groups()
        kinds = (query.kind,) if query.kind else (COLLECTION, GENRE, TAG)
        counted = [pair for kind in kinds for pair in groups.counted(kind, audience)]
        return CategoryList(items=[category_view(group, count) for group, count in counted])

    @operation(problems=(UnauthorizedError, NotFoundError))
    async def titles(self, request: web.Request, path: GroupPath, query: FilmsQuery) -> FilmsPage:
        """The films of a category, newest first."""
        return await self._page(request, path.id, query)

    @operation(problems=(UnauthorizedError, NotFoundError))
    async def person(self, request: web.Request, path: PersonPath, query: FilmsQuery) -> FilmsPage:
        """The films of a person, newest first, with what they did in each."""
        return await self._page(request, group_id(PERSON, path.name), query)

    @operation(problems=(UnauthorizedError, NotFoundError))
    async def collection(
        self, request: web.Request, path: GroupPath, query: FilmsQuery
    ) -> FilmsPage:
        """The films of a collection, newest first."""
        return await self._page(request, group_id(COLLECTION, path.id), query)

    async def _page(self, request: web.Request, wanted: str, query: FilmsQuery) -> FilmsPage:
        after = parse_place(query.after) if query.after else None
        if query.after and after is None:
            raise BadRequestError("'after' is the 'next' of a page")
        audience = await self._audience_of(request)
        groups = await self._keeper.groups()
        group, count = groups.find(wanted), groups.count(wanted, audience)
        if group is None or not count:
            raise NotFoundError(f"there are no films of {wanted!r}")
        found = groups.films(wanted, audience, query.wish(), after)
        cards = list(islice(found, query.limit + 1))
        shown = cards[: query.limit]
        page = FilmsPage(
            category=category_view(group, count),
            items=[card_view(card, groups.role(wanted, card.id)) for card in shown],
            next=format_place(shown[-1]) if len(cards) > len(shown) else None,
        )
        if after is not None:
            return page
        return page.model_copy(update={"facets": _facets(groups, wanted, audience, query.wish())})


def _facets(
    groups: Groups, wanted: str, audience: Audience, wish: Wish
) -> dict[str, list[CategoryFacetView]]:
    counted = facets(groups.films(wanted, audience, wish))
    return {
        name: [CategoryFacetView(value=value, count=count) for value, count in counts]
        for name, counts in counted.items()
    }
