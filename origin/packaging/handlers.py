"""Packaging over HTTP: start it, look at it, take a title from viewers.

    POST    /v1/titles/{id}/packaging   start, or do nothing when it is done   202, 200
    GET     /v1/titles/{id}/packaging   where the title stands                 200
    DELETE  /v1/titles/{id}/packaging   retire: viewers lose it                202
    GET     /v1/packaging?state=        titles by state, in pages              200
    GET     /v1/packaging?titles=A,B    those of them that were packaged       200

A film that cannot be played is no error of these calls: it is the state `refused` with a reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from pydantic import Field

from cdnkit.errors import BadRequestError, ConflictError, NotFoundError, UnavailableError
from cdnkit.service.operations import Answer, Shape, operation, reply
from cdnkit.service.pages import cors_headers
from cdnkit.service.paging import PageOf, PageQuery
from cdnkit.service.patterns import segment
from cdnkit.wire import TITLES_PATH
from origin.catalog.catalog import Catalog
from origin.catalog.jobs import JobRow, Jobs
from origin.packaging.start import describe_job, receive, retire
from origin.title_shapes import WRITE_SCOPE, StateName, TitlePath, parse_title_id

PACKAGING_PATH: Final = "/v1/packaging"
TITLES_MAX: Final = 100


class Source(Shape):
    """The upload that a package is made of."""

    key: str
    generation: int


class JobView(Shape):
    """Where a title stands on its way to viewers."""

    title: str
    state: StateName
    progress: float = Field(description="Of the step under way: 0 to 1.")
    source: Source
    revision: int
    attempts: int
    updated_at: float
    reason: str = Field("", description="Why it goes no further.")
    package: dict[str, Any] = Field({}, description="What is made so far.")
    published: dict[str, Any] = Field({}, description="What viewers get; values are object keys.")


class JobsQuery(PageQuery):
    """Which titles are listed."""

    state: StateName = Field("", description="Only titles that stand there.")
    titles: str = Field("", description="Only these ids, joined by commas; all in one page.")


class JobPage(PageOf[JobView]):
    """A part of the titles that were packaged, in the order of their ids."""


class Packaging:
    """Handlers of packaging. `wake` is called when there is something to do."""

    def __init__(
        self,
        catalog: Catalog,
        jobs: Jobs,
        *,
        wake: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._wake = wake
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """What to mount; before the routes of titles, whose pattern is wider."""
        path = f"{TITLES_PATH}/{segment('id')}/packaging"
        return [
            web.post(path, self.start),
            web.get(path, self.get),
            web.delete(path, self.retire),
            web.get(PACKAGING_PATH, self.list),
        ]

    @operation(
        answers={
            200: Answer("That is done, or under way.", JobView),
            202: Answer("The title is on its way.", JobView),
        },
        problems=(NotFoundError, ConflictError, UnavailableError),
        scope=WRITE_SCOPE,
    )
    async def start(self, request: web.Request, path: TitlePath) -> web.StreamResponse:
        """Package the media of a title, unless that is done or under way."""
        row, is_new = await self.request(path.id)
        return _answer(row, 202 if is_new else 200)

    async def request(self, title_id: str) -> tuple[JobRow, bool]:
        """Put a title on its way; True when that was new.

        Raises NotFoundError without such a title, ConflictError when it has no stored media.
        """
        title = self._catalog.titles.get(title_id)
        if title is None:
            raise NotFoundError(f"there is no title {title_id!r}")
        key = json.loads(title.body).get("media")
        source = self._catalog.objects.get(key) if key else None
        if source is None:
            raise ConflictError("the title names no stored 'media'")
        generation = source.generation
        is_new = False

        def make(current: JobRow | None) -> JobRow | None:
            nonlocal is_new
            following = receive(current, title_id, source.key, generation, self._now())
            is_new = following is not None
            return following

        row = await self._jobs.change(title_id, make)
        assert row is not None
        self._wake()
        return row, is_new

    @operation(
        answers={200: Answer("How far it is.", JobView)},
        problems=(NotFoundError, UnavailableError),
    )
    async def get(self, request: web.Request, path: TitlePath) -> web.StreamResponse:
        """Where a title stands.

        A film that cannot be played is no error: it is the state `refused`, with the reason.
        """
        row = await self._jobs.find(path.id)
        if row is None:
            raise NotFoundError(f"the title {path.id!r} was never packaged")
        return _answer(row, 200)

    @operation(
        answers={202: Answer("Viewers have lost it; its files are being deleted.", JobView)},
        problems=(NotFoundError, ConflictError, UnavailableError),
        scope=WRITE_SCOPE,
    )
    async def retire(self, request: web.Request, path: TitlePath) -> web.StreamResponse:
        """Take a title from viewers and delete its package."""
        row = await self._jobs.change(
            path.id, lambda current: retire(current, path.id, self._now())
        )
        assert row is not None
        self._wake()
        return _answer(row, 202)

    async def withdraw(self, title_id: str) -> None:
        """Retire a title that was removed, if it was ever packaged."""

        def make(current: JobRow | None) -> JobRow | None:
            return None if current is None else retire(current, title_id, self._now())

        await self._jobs.change(title_id, make)
        self._wake()

    @operation(problems=(UnavailableError,))
    async def list(self, request: web.Request, query: JobsQuery) -> JobPage:
        """A page of titles, of one state when it is named."""
        if "titles" in query.model_fields_set:
            return await self._list_some(query.titles)
        limit = query.limit
        rows = await self._jobs.page(query.state, query.after, limit + 1)
        following = rows[limit - 1].title_id if len(rows) > limit else None
        return JobPage(items=[_view(row) for row in rows[:limit]], next=following)

    async def _list_some(self, text: str) -> JobPage:
        """The titles that were named and packaged; the others are left out."""
        title_ids = [parse_title_id(each) for each in text.split(",")]
        if len(title_ids) > TITLES_MAX:
            raise BadRequestError(f"'titles' names at most {TITLES_MAX}")
        found = {row.title_id: row for row in await self._jobs.among(title_ids)}
        return JobPage(items=[_view(found[each]) for each in title_ids if each in found], next=None)


def _view(row: JobRow) -> JobView:
    return JobView.model_validate(describe_job(row))


def _answer(row: JobRow, status: int) -> web.Response:
    return reply(_view(row), status, cors_headers())
