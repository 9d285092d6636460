"""Taking objects in and out over HTTP.

    PUT      /v1/content/{key}   take in a whole object            201, 200
    OPTIONS  /v1/content/{key}   how it may be taken in piecewise  204
    DELETE   /v1/content/{key}   unpublish it                      204

Decides who may and in which order an upload is judged: key, caller, head, then bytes. What is
asked of the head is `origin.ingest.checks`, moving the bytes is `origin.ingest.receive`; a PUT that
says Upload-Complete may be resumed, and goes to `origin.resumable`.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from cdnkit.service.exchange import note
from cdnkit.service.patterns import rest
from cdnkit.wire import CONTENT_PREFIX
from origin.catalog.catalog import Catalog
from origin.ingest.checks import UploadHead, deletion_check, run_checks
from origin.ingest.receive import Receiver, long_body_of
from origin.object_views import describe, key_of
from origin.requests import Authorize, fields_of, leave_expect, send_continue
from origin.resumable import declared
from origin.resumable.handlers import ResumableUploads

UPLOAD_SCOPE: Final = "upload"


class Uploads:
    """Handlers that change /v1/content."""

    def __init__(
        self,
        catalog: Catalog,
        receiver: Receiver,
        *,
        authorize: Authorize,
        limit_bytes: int,
        base_url: str = "",
        resumable: ResumableUploads | None = None,
    ) -> None:
        self._catalog = catalog
        self._receiver = receiver
        self._authorize = authorize
        self._limit_bytes = limit_bytes
        self._base_url = base_url.rstrip("/")
        self._resumable = resumable

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        path = CONTENT_PREFIX + rest("key")
        own = [
            web.put(path, self.put, expect_handler=leave_expect),
            web.delete(path, self.delete),
        ]
        if self._resumable is None:
            return own
        return [*own, web.options(path, self._resumable.options), *self._resumable.routes()]

    @declared.put_object
    async def put(self, request: web.Request) -> web.StreamResponse:
        """Take in an object, whole or, with `Upload-Complete`, in several requests."""
        key = key_of(request)
        self._authorize(request, UPLOAD_SCOPE)
        head = UploadHead(
            request.method, fields_of(request), request.content_length, self._limit_bytes
        )
        run_checks(head, self._catalog.objects.get(key))
        if self._resumable is not None and "upload-complete" in head.fields:
            return await self._resumable.create_at(request, key)
        await send_continue(request)
        with long_body_of(request) as read:
            row, is_new = await self._receiver.receive(key, head, read)
        note(request, key=key, generation=row.generation)
        return web.json_response(
            describe(request, row, self._base_url),
            status=201 if is_new else 200,
            headers={"ETag": row.etag, "Location": CONTENT_PREFIX + key},
        )

    @declared.delete_object
    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Unpublish an object."""
        key = key_of(request)
        self._authorize(request, UPLOAD_SCOPE)
        await self._catalog.delete(key, deletion_check(key, request.method, fields_of(request)))
        return web.Response(status=204)
