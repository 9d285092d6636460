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

from cdnkit.errors import BadRequestError, ConflictError, NotFoundError
from cdnkit.service.pages import cors_headers
from cdnkit.wire import TITLES_PATH
from origin.catalog.catalog import Catalog
from origin.catalog.jobs import JobRow, Jobs
from origin.packaging.start import describe_job, receive, retire
from origin.packaging.states import TitleState
from origin.paging import LIMIT_DEFAULT, LIMIT_MAX, parse_count, require_known
from origin.requests import Authorize
from origin.titles import WRITE_SCOPE, parse_title_id

PACKAGING_PATH: Final = "/v1/packaging"
TITLES_MAX: Final = 100


class Packaging:
    """Handlers of packaging. `wake` is called when there is something to do."""

    def __init__(
        self,
        catalog: Catalog,
        jobs: Jobs,
        *,
        authorize: Authorize,
        wake: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._authorize = authorize
        self._wake = wake
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """What to mount; before the routes of titles, whose pattern is wider."""
        path = TITLES_PATH + "/{id}/packaging"
        return [
            web.post(path, self.start),
            web.get(path, self.get),
            web.delete(path, self.retire),
            web.get(PACKAGING_PATH, self.list),
        ]

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Package the media of a title, unless that is done or under way."""
        title_id = parse_title_id(request.match_info["id"])
        self._authorize(request, WRITE_SCOPE)
        row, is_new = await self.request(title_id)
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

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Where a title stands."""
        title_id = parse_title_id(request.match_info["id"])
        row = await self._jobs.find(title_id)
        if row is None:
            raise NotFoundError(f"the title {title_id!r} was never packaged")
        return _answer(row, 200)

    async def retire(self, request: web.Request) -> web.StreamResponse:
        """Take a title from viewers and delete its package."""
        title_id = parse_title_id(request.match_info["id"])
        self._authorize(request, WRITE_SCOPE)
        row = await self._jobs.change(
            title_id, lambda current: retire(current, title_id, self._now())
        )
        assert row is not None
        self._wake()
        return _answer(row, 202)

    async def list(self, request: web.Request) -> web.StreamResponse:
        """A page of titles, of one state when it is named."""
        query = request.query
        require_known(query, ("state", "titles", "after", "limit"))
        if "titles" in query:
            return await self._list_some(query["titles"])
        state = query.get("state", "")
        known = [each.value for each in TitleState]
        if state and state not in known:
            raise BadRequestError(f"'state' is one of {', '.join(known)}")
        limit = parse_count(query, "limit", LIMIT_DEFAULT, minimum=1, maximum=LIMIT_MAX)
        rows = await self._jobs.page(state, query.get("after", ""), limit + 1)
        following = rows[limit - 1].title_id if len(rows) > limit else None
        body = {"items": [describe_job(row) for row in rows[:limit]], "next": following}
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    async def _list_some(self, text: str) -> web.Response:
        """The titles that were named and packaged; the others are left out."""
        title_ids = [parse_title_id(each) for each in text.split(",")]
        if len(title_ids) > TITLES_MAX:
            raise BadRequestError(f"'titles' names at most {TITLES_MAX}")
        rows = [await self._jobs.find(each) for each in title_ids]
        body = {"items": [describe_job(row) for row in rows if row is not None], "next": None}
        return web.json_response(body, headers={"Cache-Control": "no-store"})


def _answer(row: JobRow, status: int) -> web.Response:
    headers: dict[str, Any] = {"Cache-Control": "no-store", **cors_headers()}
    return web.json_response(describe_job(row), status=status, headers=headers)
