"""The home page and the editorial rows it is made of, over HTTP.

Which films a source picks is its own business; one that is not there, or does not answer, costs its
row and not the page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, TypeAlias

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import CinedgeError, NotFoundError, UnauthorizedError, UnavailableError
from cdnkit.service.operations import Answer, operation, reply
from cdnkit.service.patterns import segment
from origin.catalog.audience import Audience, AudienceOf
from origin.catalog.database import Database
from origin.domains.categories import queries
from origin.domains.categories.keeping import Keeper
from origin.domains.categories.rows import Row, RowQuery, default_rows, rows_for
from origin.domains.categories.rules import Card, Groups, in_order
from origin.domains.categories.shapes import (
    HomeAnswer,
    HomeQuery,
    HomeRow,
    RowBody,
    RowList,
    RowPath,
    RowView,
    card_view,
    read_row,
    row_view,
)

OPERATE_SCOPE: Final = "operate"

Source: TypeAlias = Callable[[Audience, int], Awaitable[Sequence[str]]]
"""Ids of titles for somebody, the best first, about as many as asked for."""


class Home:
    """Handlers of /v1/home and /v1/rows."""

    def __init__(
        self,
        database: Database,
        keeper: Keeper,
        *,
        audience_of: AudienceOf,
        sources: Mapping[str, Source],
        report: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._audience_of = audience_of
        self._sources = sources
        self._report = report
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        row = "/v1/rows/" + segment("id")
        return [
            web.get("/v1/home", self.home),
            web.get("/v1/rows", self.list),
            web.get(row, self.get),
            web.put(row, self.put),
            web.delete(row, self.delete),
        ]

    @operation(problems=(UnauthorizedError, UnavailableError))
    async def home(self, request: web.Request, query: HomeQuery) -> HomeAnswer:
        """The rows for whoever asks: what editors made, or the sources, news and large genres."""
        audience = await self._audience_of(request)
        groups = await self._keeper.groups()
        made = await self._load_rows()
        rows = rows_for(made, query.language or audience.language)
        if not made:
            rows = default_rows(groups, audience, self._sources.keys())
        shown = [(row, await self._films(row, groups, audience)) for row in rows]
        return HomeAnswer(rows=[_home_row(row, films) for row, films in shown if films])

    @operation(problems=(UnavailableError,), scope=OPERATE_SCOPE)
    async def list(self, request: web.Request) -> RowList:
        """The editorial rows, from the top."""
        rows = await self._load_rows()
        return RowList(items=[row_view(row) for row in rows])

    @operation(problems=(NotFoundError, UnavailableError), scope=OPERATE_SCOPE)
    async def get(self, request: web.Request, path: RowPath) -> RowView:
        """An editorial row."""
        row = await self._database.transact(
            lambda connection: queries.find_row(connection, path.id)
        )
        if row is None:
            raise NotFoundError(f"there is no row {path.id!r}")
        return row_view(row)

    @operation(
        answers={
            200: Answer("The row was replaced.", RowView),
            201: Answer("The row is new.", RowView),
        },
        problems=(UnavailableError,),
        scope=OPERATE_SCOPE,
    )
    async def put(self, request: web.Request, path: RowPath, body: RowBody) -> web.StreamResponse:
        """Save an editorial row. Titles and categories need not exist yet."""
        row = read_row(path.id, body)

        async def work(connection: AsyncConnection) -> bool:
            is_new = await queries.find_row(connection, row.id) is None
            await queries.save_row(connection, row, self._now())
            return is_new

        is_new = await self._database.transact(work)
        return reply(row_view(row), 201 if is_new else 200)

    @operation(
        answers={204: Answer("It is removed.")},
        problems=(NotFoundError, UnavailableError),
        scope=OPERATE_SCOPE,
    )
    async def delete(self, request: web.Request, path: RowPath) -> web.StreamResponse:
        """Remove an editorial row."""
        was_there = await self._database.transact(
            lambda connection: queries.drop_row(connection, path.id)
        )
        if not was_there:
            raise NotFoundError(f"there is no row {path.id!r}")
        return web.Response(status=204)

    async def _films(self, row: Row, groups: Groups, audience: Audience) -> Sequence[Card]:
        content = row.content
        if isinstance(content, RowQuery):
            found = groups.films(content.category, audience, content.wish)
            ordered = found if content.order == "newest" else in_order(found, content.order)
            return list(islice(ordered, row.size))
        ids = content if isinstance(content, tuple) else await self._pick(content, row, audience)
        return list(islice(_seen(groups, audience, ids), row.size))

    async def _load_rows(self) -> Sequence[Row]:
        # Looking at a home page must not wait for whoever writes.
        async with self._database.reading() as connection:
            return await queries.load_rows(connection)

    async def _pick(self, name: str, row: Row, audience: Audience) -> Sequence[str]:
        """What a source picks; nothing when there is no such source or it fails."""
        source = self._sources.get(name)
        if source is None:
            return ()
        try:
            return await source(audience, row.size)
        except CinedgeError as error:
            self._report(f"the row {row.id!r} is left out of a home page: {error.detail}")
            return ()


def _seen(groups: Groups, audience: Audience, ids: Sequence[str]) -> Iterable[Card]:
    """Those of the films that are there and may be seen."""
    cards = (groups.card(title_id) for title_id in ids)
    return (card for card in cards if card is not None and audience.may_see(card.id, card.age))


def _home_row(row: Row, films: Sequence[Card]) -> HomeRow:
    return HomeRow(
        id=row.id, name=row.name, kind=row.kind, items=[card_view(card) for card in films]
    )
