"""The films' metadata: JSON objects of free form, `title` required.

    PUT     /v1/titles/{id}   save                  201, 200
    PATCH   /v1/titles/{id}   change some members   200
    GET     /v1/titles/{id}   one title             200, 304
    DELETE  /v1/titles/{id}   remove                204
    GET     /v1/titles        list, in pages        200

`media` names the object to play and must exist when the title is saved. An answer is the saved
object with its `id` in front. Writes take If-Match and If-None-Match. What a title may say is for
`origin.title_shapes`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from aiohttp import web

from cdnkit.errors import (
    BadKeyError,
    ConflictError,
    IncompleteBodyError,
    MediaTypeError,
    NotFoundError,
    PreconditionFailedError,
    TooLargeError,
    UnavailableError,
)
from cdnkit.service.operations import Answer, operation
from cdnkit.validators import Validators
from cdnkit.wire import TITLES_PATH
from origin import title_shapes
from origin.catalog.catalog import Catalog
from origin.catalog.jobs import Jobs
from origin.catalog.records import TitleRow
from origin.ingest.checks import require_conditions
from origin.requests import CONDITIONS, fields_of, is_not_modified, leave_expect, read_small
from origin.title_shapes import (
    WRITE_SCOPE,
    TitleBody,
    TitlePage,
    TitlePatch,
    TitlePath,
    TitlesQuery,
    TitleView,
)

_PATCH_ATTEMPTS: Final = 5
_ETAG: Final = {"ETag": "Names this version of the title."}
_WRITES: Final = (
    BadKeyError,
    IncompleteBodyError,
    ConflictError,
    PreconditionFailedError,
    TooLargeError,
    UnavailableError,
)


class _OvertakenError(Exception):
    """Somebody else has changed the title between our look and our write."""


class Titles:
    """Handlers of /v1/titles.

    `saved` is called with the id of each title that was saved and whether it is new, `removed` with
    the id of each that is there no more.
    """

    def __init__(
        self,
        catalog: Catalog,
        jobs: Jobs,
        *,
        saved: Callable[[str, bool], Awaitable[None]] | None,
        removed: Callable[[str], Awaitable[None]],
    ) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._saved = saved
        self._removed = removed

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        path = TITLES_PATH + "/{id:[^/]*}"
        return [
            web.get(TITLES_PATH, self.list),
            web.put(path, self.put, expect_handler=leave_expect),
            web.patch(path, self.patch, expect_handler=leave_expect),
            web.get(path, self.get),
            web.delete(path, self.delete),
        ]

    @operation(
        answers={
            200: Answer("The title was replaced.", TitleView, headers=_ETAG),
            201: Answer("The title is new.", TitleView, headers=_ETAG),
        },
        problems=_WRITES,
        scope=WRITE_SCOPE,
        body=TitleBody,
        fields=CONDITIONS,
    )
    async def put(self, request: web.Request, path: TitlePath) -> web.StreamResponse:
        """Save a title."""
        fields = fields_of(request)

        def check(current: TitleRow | None) -> None:
            require_conditions(request.method, fields, _validators_of(current))

        check(self._catalog.titles.get(path.id))
        body = title_shapes.parse_title(await _read(request), path.id)
        return await self._save(path.id, body, check)

    @operation(
        answers={200: Answer("The title after the change.", TitleView, headers=_ETAG)},
        problems=(NotFoundError, MediaTypeError, *_WRITES),
        scope=WRITE_SCOPE,
        body=TitlePatch,
        body_type=title_shapes.MERGE_PATCH_TYPE,
        fields=CONDITIONS,
    )
    async def patch(self, request: web.Request, path: TitlePath) -> web.StreamResponse:
        """Change some members of a title (JSON merge patch, RFC 7396)."""
        fields = fields_of(request)
        if request.content_type != title_shapes.MERGE_PATCH_TYPE:
            raise MediaTypeError(f"a change of a title comes as {title_shapes.MERGE_PATCH_TYPE}")
        patch = b""
        for attempt in range(_PATCH_ATTEMPTS):
            seen = self._find(path.id)
            require_conditions(request.method, fields, seen.validators)
            patch = patch if attempt else await _read(request)
            try:
                body = title_shapes.patch_title(seen, patch)
                return await self._save(path.id, body, partial(_require_same, seen))
            except _OvertakenError:
                await self._catalog.catch_up()
        raise ConflictError(f"the title {path.id!r} is being changed by others all the time")

    @operation(
        answers={
            200: Answer("The title.", TitleView, headers=_ETAG),
            304: Answer("It is what the client has.", headers=_ETAG),
        },
        problems=(NotFoundError,),
        fields=CONDITIONS,
    )
    async def get(self, request: web.Request, path: TitlePath) -> web.StreamResponse:
        """One title."""
        row = self._find(path.id)
        headers = {"ETag": row.etag, "Cache-Control": "no-cache"}
        if is_not_modified(request, row.validators):
            return web.Response(status=304, headers=headers)
        return _json(title_shapes.format_title(row), headers)

    @operation(
        answers={204: Answer("It is removed.")},
        problems=(NotFoundError, PreconditionFailedError, UnavailableError),
        scope=WRITE_SCOPE,
        fields=CONDITIONS,
    )
    async def delete(self, request: web.Request, path: TitlePath) -> web.StreamResponse:
        """Remove a title; viewers lose its package, the upload stays."""
        fields = fields_of(request)

        def check(current: TitleRow | None) -> None:
            require_conditions(request.method, fields, _validators_of(current))
            if current is None:
                raise NotFoundError(f"there is no title {path.id!r}")

        try:
            await self._catalog.delete_title(path.id, check)
        except NotFoundError:
            # An earlier call may have ended between the title and its package.
            await self._removed(path.id)
            raise
        await self._removed(path.id)
        return web.Response(status=204)

    @operation(answers={200: Answer("A page.", TitlePage)}, problems=(UnavailableError,))
    async def list(self, request: web.Request, query: TitlesQuery) -> web.StreamResponse:
        """A page of titles, in the order of their ids."""
        titles = self._catalog.titles
        if query.state:
            jobs = await self._jobs.page(query.state, query.after, query.limit + 1, query.prefix)
            ids = [job.title_id for job in jobs[: query.limit]]
            following = ids[-1] if len(jobs) > query.limit else None
            rows = [row for row in map(titles.get, ids) if row is not None]
        else:
            rows, following = titles.page(prefix=query.prefix, after=query.after, limit=query.limit)
        items = ",".join(map(title_shapes.format_title, rows))
        text = f'{{"items":[{items}],"next":{json.dumps(following)}}}'
        return _json(text, {"Cache-Control": "no-store"})

    async def _save(
        self, title_id: str, body: dict[str, Any], check: Callable[[TitleRow | None], None]
    ) -> web.StreamResponse:
        media = body.get("media")
        if media is not None and self._catalog.objects.get(media) is None:
            raise ConflictError(
                f"'media' names {media!r}, which is not stored here; upload it first"
            )
        text = title_shapes.format_body(body)
        row, is_new = await self._catalog.put_title(title_id, text, check)
        if self._saved is not None:
            await self._saved(title_id, is_new)
        headers = {"ETag": row.etag, "Location": f"{TITLES_PATH}/{title_id}"}
        return _json(title_shapes.format_title(row), headers, status=201 if is_new else 200)

    def _find(self, title_id: str) -> TitleRow:
        row = self._catalog.titles.get(title_id)
        if row is None:
            raise NotFoundError(f"there is no title {title_id!r}")
        return row


async def _read(request: web.Request) -> bytes:
    return await read_small(request, title_shapes.BODY_BYTES_MAX)


def _require_same(seen: TitleRow, current: TitleRow | None) -> None:
    if current is None or current.etag != seen.etag:
        raise _OvertakenError


def _validators_of(row: TitleRow | None) -> Validators | None:
    return None if row is None else row.validators


def _json(text: str, headers: dict[str, str], status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)
