"""The film bytes over HTTP.

    PUT     /v1/content/{key}   take in a whole object           201, 200
    GET     /v1/content/{key}   the object, whole or in ranges   200, 206, 304
    DELETE  /v1/content/{key}   unpublish it                     204
    GET     /v1/content         list, in pages                   200

Decides who may and what the answer looks like; receiving is `origin.ingest`, ranges and conditions
of reading are `origin.deliver`.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from cdnkit.dates import format_http_date
from cdnkit.errors import NotFoundError
from cdnkit.keys import parse_key
from cdnkit.service.exchange import note
from cdnkit.service.pages import cors_headers
from cdnkit.wire import CONTENT_PREFIX, GENERATION_HEADER
from origin.catalog.catalog import Catalog
from origin.catalog.records import ObjectRow
from origin.deliver import deliver
from origin.ingest.checks import UploadHead, require_conditions, run_checks, validators_of
from origin.ingest.receive import Receiver, body_of
from origin.paging import parse_page
from origin.requests import Authorize, fields_of, leave_expect, send_continue
from origin.store.base import ByteStore
from origin.sweeper import Holds

LIST_PATH: Final = CONTENT_PREFIX.rstrip("/")
UPLOAD_SCOPE: Final = "upload"


class Contents:
    """Handlers of /v1/content."""

    def __init__(
        self,
        catalog: Catalog,
        store: ByteStore,
        receiver: Receiver,
        holds: Holds,
        *,
        authorize: Authorize,
        limit_bytes: int,
        max_age_seconds: int,
        base_url: str = "",
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._holds = holds
        self._authorize = authorize
        self._limit_bytes = limit_bytes
        self._receiver = receiver
        self._cache_control = f"public, max-age={max_age_seconds}"
        self._base_url = base_url.rstrip("/")

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        path = CONTENT_PREFIX + "{key:.*}"
        return [
            web.get(LIST_PATH, self.list),
            web.put(path, self.put, expect_handler=leave_expect),
            web.get(path, self.get),
            web.delete(path, self.delete),
        ]

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Take in a whole object."""
        key = _key_of(request)
        self._authorize(request, UPLOAD_SCOPE)
        head = UploadHead(
            request.method, fields_of(request), request.content_length, self._limit_bytes
        )
        run_checks(head, self._catalog.objects.get(key))
        await send_continue(request)
        row, is_new = await self._receiver.receive(key, head, body_of(request.content))
        body = self._describe(request, row)
        note(request, key=key, generation=row.generation)
        headers = {"ETag": row.etag, "Location": CONTENT_PREFIX + key}
        return web.json_response(body, status=201 if is_new else 200, headers=headers)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Serve an object."""
        row = self._find(_key_of(request))
        validators = validators_of(row)
        assert validators is not None
        with self._holds.hold(row.stored):
            return await deliver(
                request,
                stored=row.stored,
                content_type=row.content_type,
                validators=validators,
                cache_control=self._cache_control,
                digest=bytes.fromhex(row.sha256),
                store=self._store,
                extra_headers={GENERATION_HEADER: str(row.generation), **cors_headers()},
            )

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Unpublish an object."""
        key = _key_of(request)
        self._authorize(request, UPLOAD_SCOPE)
        fields = fields_of(request)

        def check(current: ObjectRow | None) -> None:
            require_conditions(request.method, fields, validators_of(current))
            if current is None:
                raise NotFoundError(f"there is no object {key!r}")

        await self._catalog.delete(key, check)
        return web.Response(status=204)

    async def list(self, request: web.Request) -> web.StreamResponse:
        """A page of objects, in key order."""
        page = parse_page(request.query)
        rows, following = self._catalog.objects.page(
            prefix=page.prefix, after=page.after, limit=page.limit
        )
        items = [self._describe(request, row) for row in rows]
        return web.json_response(
            {"items": items, "next": following}, headers={"Cache-Control": "no-store"}
        )

    def _find(self, key: str) -> ObjectRow:
        row = self._catalog.objects.get(key)
        if row is None:
            raise NotFoundError(f"there is no object {key!r}")
        return row

    def _describe(self, request: web.Request, row: ObjectRow) -> dict[str, Any]:
        base_url = self._base_url or str(request.url.origin())
        return {
            "key": row.key,
            "generation": row.generation,
            "size_bytes": row.size_bytes,
            "content_type": row.content_type,
            "sha256": row.sha256,
            "etag": row.etag,
            "last_modified": format_http_date(row.created_at),
            "url": f"{base_url}{CONTENT_PREFIX}{row.key}",
        }


def _key_of(request: web.Request) -> str:
    # The raw path: a decoded one would make two spellings of one key.
    return parse_key(request.rel_url.raw_path[len(CONTENT_PREFIX) :])
