"""Uploads over many requests, over HTTP: tus 1.0 and the IETF draft on one resource.

    OPTIONS       /v1/uploads        what is offered                    204
    POST          /v1/uploads        create, with bytes or without      201
    GET           /v1/uploads        one's own uploads as JSON          200
    HEAD          /v1/uploads/{id}   take over: how far it is           200
    GET           /v1/uploads/{id}   the same as JSON, disturbing none  200
    PATCH         /v1/uploads/{id}   go on                              204, 201, 200
    DELETE        /v1/uploads/{id}   cancel, or forget                  204

Which protocol a message speaks is told by its fields, message by message. `PUT /v1/content/{key}`
with `Upload-Complete` comes to `create_at` from `origin.uploads`.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from cdnkit.errors import BadRequestError, NotFoundError
from cdnkit.service.exchange import note
from cdnkit.wire import UPLOADS_PATH
from origin.requests import Authorize, fields_of, leave_expect
from origin.resumable import declared
from origin.resumable.answers import Handler, speaking
from origin.resumable.appending import Appender
from origin.resumable.heads import dialect_of, is_upload_id, read_append, read_creation, read_put
from origin.resumable.views import (
    describe_upload,
    offer_fields,
    require_not_refused,
    resource_fields,
    state_fields,
)
from origin.resumable.wording import base_url_of

_OVERRIDE: Final = "x-http-method-override"


class ResumableUploads:
    """Handlers of /v1/uploads."""

    def __init__(self, appender: Appender, *, authorize: Authorize) -> None:
        self._appender = appender
        self._intake = appender.intake
        self._authorize = authorize
        self._object_bytes_max = self._intake.rules.object_bytes_max

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        one = UPLOADS_PATH + declared.ONE
        return [
            web.options(UPLOADS_PATH, self._speaking(self.options)),
            web.post(UPLOADS_PATH, self._speaking(self.post), expect_handler=leave_expect),
            web.get(UPLOADS_PATH, self._speaking(self.list), allow_head=False),
            web.options(one, self._speaking(self.options)),
            web.head(one, self._speaking(self.head)),
            web.get(one, self._speaking(self.get), allow_head=False),
            web.patch(one, self._speaking(self.patch), expect_handler=leave_expect),
            web.post(one, self._speaking(self.override), expect_handler=leave_expect),
            web.delete(one, self._speaking(self.delete)),
        ]

    @declared.options
    async def options(self, request: web.Request) -> web.StreamResponse:
        """What is offered; needs no token."""
        return web.Response(status=204, headers=offer_fields(self._intake.rules))

    @declared.create
    async def post(self, request: web.Request) -> web.StreamResponse:
        """Create an upload."""
        fields = fields_of(request)
        if fields.get(_OVERRIDE, "POST").upper() == "OPTIONS":
            return await self.options(request)
        if fields.get(_OVERRIDE, "POST").upper() != "POST":
            raise BadRequestError("X-HTTP-Method-Override makes no sense here")
        owner = self._owner(request)
        head = read_creation(fields, _content_bytes(request), owner)
        return await self._appender.create(request, head)

    async def create_at(self, request: web.Request, key: str) -> web.StreamResponse:
        """PUT of an object that may be resumed."""

        async def create(request: web.Request) -> web.StreamResponse:
            owner = self._owner(request)
            head = read_put(fields_of(request), _content_bytes(request), owner, key)
            return await self._appender.create(request, head)

        return await self._speaking(create)(request)

    @declared.list_own
    async def list(self, request: web.Request, query: declared.UploadsQuery) -> web.StreamResponse:
        """A page of one's own uploads."""
        owner = self._owner(request)
        rows = await self._intake.of_owner(owner, query.after, query.limit + 1)
        base_url = base_url_of(request)
        items = [describe_upload(row, base_url) for row in rows[: query.limit]]
        following = items[-1]["id"] if len(rows) > query.limit else None
        return web.json_response(
            {"items": items, "next": following}, headers={"Cache-Control": "no-store"}
        )

    @declared.take_over
    async def head(self, request: web.Request) -> web.StreamResponse:
        """How far an upload is; whoever brings bytes to it now is ended first."""
        owner, upload_id = self._owner(request), self._id(request)
        dialect = dialect_of(fields_of(request))
        turn = await self._intake.take_over(upload_id, owner)
        row = turn.row
        require_not_refused(row)
        self._intake.finish_later(row)
        fields = state_fields(row, dialect, self._intake.rules, self._intake.now())
        return web.Response(status=200, headers={**fields, **resource_fields(row, dialect)})

    @declared.look
    async def get(self, request: web.Request) -> web.StreamResponse:
        """An upload for who watches."""
        owner, upload_id = self._owner(request), self._id(request)
        row = await self._intake.look(upload_id, owner)
        dialect = dialect_of(fields_of(request))
        fields = state_fields(row, dialect, self._intake.rules, self._intake.now())
        body = describe_upload(row, base_url_of(request))
        return web.json_response(body, headers={**fields, **resource_fields(row, dialect)})

    @declared.append
    async def patch(self, request: web.Request) -> web.StreamResponse:
        """Go on with an upload."""
        owner, upload_id = self._owner(request), self._id(request)
        head = read_append(fields_of(request), _content_bytes(request))
        return await self._appender.append(request, upload_id, owner, head)

    @declared.cancel
    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Cancel an upload; an object that came of it stays."""
        owner, upload_id = self._owner(request), self._id(request)
        await self._intake.cancel(upload_id, owner)
        return web.Response(status=204, headers={"Cache-Control": "no-store"})

    @declared.override
    async def override(self, request: web.Request) -> web.StreamResponse:
        """POST that stands for another method, where proxies let no other pass (tus)."""
        method = request.headers.get(_OVERRIDE, "").upper()
        handlers: dict[str, Handler] = {
            "PATCH": self.patch,
            "DELETE": self.delete,
            "HEAD": self.head,
            "OPTIONS": self.options,
        }
        if method not in handlers:
            raise web.HTTPMethodNotAllowed("POST", ["HEAD", "GET", "PATCH", "DELETE", "OPTIONS"])
        return await handlers[method](request)

    def _owner(self, request: web.Request) -> str:
        return str(self._authorize(request, declared.SCOPE))

    def _id(self, request: web.Request) -> str:
        upload_id = request.match_info["id"]
        note(request, upload=upload_id[:64])
        if not is_upload_id(upload_id):
            raise NotFoundError("there is no such upload")
        return upload_id

    def _speaking(self, handler: Handler) -> Handler:
        return speaking(handler, self._object_bytes_max)


def _content_bytes(request: web.Request) -> int | None:
    """The length of the content; None when only its end will tell."""
    return request.content_length if request.body_exists else 0
