"""The films' metadata: JSON objects of free form, `title` required.

    PUT     /v1/titles/{id}   save            201, 200
    GET     /v1/titles/{id}   one title       200, 304
    DELETE  /v1/titles/{id}   remove          204
    GET     /v1/titles        list, in pages  200

`media` names the object to play and must exist when the title is saved. An answer is the saved
object with its `id` in front.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from cdnkit.errors import BadRequestError, ConflictError, NotFoundError, TooLargeError
from cdnkit.keys import parse_key
from cdnkit.service.bodies import parse_json, read_body
from cdnkit.validators import Validators
from cdnkit.wire import TITLES_PATH
from origin.catalog.catalog import Catalog
from origin.catalog.records import TitleRow
from origin.ingest.checks import require_conditions
from origin.paging import parse_page
from origin.requests import Authorize, fields_of, is_not_modified, leave_expect, send_continue

BODY_BYTES_MAX: Final = 64 * 1024
PAGE_MAX: Final = 200
WRITE_SCOPE: Final = "upload"
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

# Rules


def parse_title_id(text: str) -> str:
    """Return `text` when it is a title id. Raises BadRequestError."""
    if _ID.fullmatch(text) is None:
        raise BadRequestError(
            "a title id has 1 to 64 characters of a-z, 0-9 and '-', and does not begin with '-'"
        )
    return text


def check_length(length_bytes: int | None) -> None:
    """Raises TooLargeError for an announced length beyond BODY_BYTES_MAX."""
    if length_bytes is not None and length_bytes > BODY_BYTES_MAX:
        raise TooLargeError(
            f"a title has at most {BODY_BYTES_MAX} bytes", limit_bytes=BODY_BYTES_MAX
        )


def parse_title(data: bytes, title_id: str) -> dict[str, Any]:
    """The JSON object of a title, without its id. Raises BadRequestError."""
    body = parse_json(data)
    if body.pop("id", title_id) != title_id:
        raise BadRequestError("'id' in the body differs from the one in the path")
    title = body.get("title")
    if not isinstance(title, str) or not title.strip():
        raise BadRequestError("'title' must be a text that is not empty")
    if "media" in body:
        if not isinstance(body["media"], str):
            raise BadRequestError("'media' must be the key of an object, or left out")
        parse_key(body["media"])
    return body


def format_body(body: dict[str, Any]) -> str:
    """The text that is kept. Raises BadRequestError for half a surrogate pair."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
        raise BadRequestError("the JSON holds half of a surrogate pair")
    return text


def format_title(row: TitleRow) -> str:
    """The JSON answer: the id in front of the saved members, of which there is at least one."""
    return f'{{"id":"{row.title_id}",{row.body[1:]}'


def _validators_of(row: TitleRow | None) -> Validators | None:
    return None if row is None else Validators(row.etag, int(row.updated_at))


# Handlers


class Titles:
    """Handlers of /v1/titles."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        authorize: Authorize,
        saved: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._catalog = catalog
        self._authorize = authorize
        self._saved = saved

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        path = TITLES_PATH + "/{id:.*}"
        return [
            web.get(TITLES_PATH, self.list),
            web.put(path, self.put, expect_handler=leave_expect),
            web.get(path, self.get),
            web.delete(path, self.delete),
        ]

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Save a title."""
        title_id = parse_title_id(request.match_info["id"])
        self._authorize(request, WRITE_SCOPE)
        fields = fields_of(request)

        def check(current: TitleRow | None) -> None:
            require_conditions(request.method, fields, _validators_of(current))

        check(self._catalog.titles.get(title_id))
        check_length(request.content_length)
        await send_continue(request)
        body = parse_title(await read_body(request, BODY_BYTES_MAX), title_id)
        media = body.get("media")
        if media is not None and self._catalog.objects.get(media) is None:
            raise ConflictError(
                f"'media' names {media!r}, which is not stored here; upload it first"
            )
        row, is_new = await self._catalog.put_title(title_id, format_body(body), check)
        if self._saved is not None:
            await self._saved(title_id)
        headers = {"ETag": row.etag, "Location": f"{TITLES_PATH}/{title_id}"}
        return _json(format_title(row), headers, status=201 if is_new else 200)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """One title."""
        title_id = parse_title_id(request.match_info["id"])
        row = self._catalog.titles.get(title_id)
        if row is None:
            raise NotFoundError(f"there is no title {title_id!r}")
        headers = {"ETag": row.etag, "Cache-Control": "no-cache"}
        if is_not_modified(request, Validators(row.etag, int(row.updated_at))):
            return web.Response(status=304, headers=headers)
        return _json(format_title(row), headers)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Remove a title."""
        title_id = parse_title_id(request.match_info["id"])
        self._authorize(request, WRITE_SCOPE)
        fields = fields_of(request)

        def check(current: TitleRow | None) -> None:
            require_conditions(request.method, fields, _validators_of(current))
            if current is None:
                raise NotFoundError(f"there is no title {title_id!r}")

        await self._catalog.delete_title(title_id, check)
        return web.Response(status=204)

    async def list(self, request: web.Request) -> web.StreamResponse:
        """A page of titles, in the order of their ids."""
        page = parse_page(request.query, PAGE_MAX)
        rows, following = self._catalog.titles.page(
            prefix=page.prefix, after=page.after, limit=page.limit
        )
        items = ",".join(map(format_title, rows))
        text = f'{{"items":[{items}],"next":{json.dumps(following)}}}'
        return _json(text, {"Cache-Control": "no-store"})


def _json(text: str, headers: dict[str, str], status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)
