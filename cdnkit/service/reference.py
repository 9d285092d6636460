"""The description of an application's own API, for programs and for people.

    GET  /openapi.json   the OpenAPI 3.1 document     200, 304
    GET  /docs           a page that shows it         200, 304
    GET  /docs/{name}    the files of the page        200, 304, 404

The page draws the document and sends requests to this origin alone; it asks no other host.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Final

from aiohttp import web

from cdnkit.errors import NotFoundError
from cdnkit.service.openapi import describe_api
from cdnkit.service.operations import JSON_TYPE, Answer, operation
from cdnkit.service.pages import cors_headers, page_headers
from cdnkit.service.patterns import segment
from cdnkit.wire import DOCS_PATH, OPENAPI_PATH

_INDEX: Final = "index.html"
_CONTENT_TYPES: Final[Mapping[str, str]] = {
    _INDEX: "text/html",
    "docs.css": "text/css",
    "docs.js": "text/javascript",
}
_UNCHANGED: Final = Answer("It is what the client has.")
_TAG: Final = "process"


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str
    etag: str


class Reference:
    """Handlers of the description. The document is made at the first request."""

    def __init__(self, title: str, about: str) -> None:
        self._title = title
        self._about = about
        self._document: _File | None = None

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get(OPENAPI_PATH, self.get_document),
            web.get(DOCS_PATH, self.get_page),
            web.get(f"{DOCS_PATH}/{segment('name')}", self.get_file),
        ]

    @operation(answers={200: Answer("OpenAPI 3.1.", None, JSON_TYPE), 304: _UNCHANGED}, tag=_TAG)
    async def get_document(self, request: web.Request) -> web.StreamResponse:
        """This document."""
        if self._document is None:
            # By now every route is mounted; no more come.
            document = describe_api(request.app, self._title, _version(), self._about)
            self._document = _make(json.dumps(document).encode(), JSON_TYPE)
        return _answer(request, self._document, cors_headers())

    @operation(answers={200: Answer("HTML.", None, "text/html"), 304: _UNCHANGED}, tag=_TAG)
    async def get_page(self, request: web.Request) -> web.StreamResponse:
        """A page that shows this document."""
        return _answer(request, _page()[_INDEX], page_headers())

    @operation(
        answers={200: Answer("The file.", None, "text/*"), 304: _UNCHANGED},
        problems=(NotFoundError,),
        tag=_TAG,
    )
    async def get_file(self, request: web.Request) -> web.StreamResponse:
        """A file of the page."""
        name = request.match_info["name"]
        if name not in _page():
            raise NotFoundError(f"the page has no file {name[:60]!r}")
        return _answer(request, _page()[name], page_headers())


def _answer(request: web.Request, file: _File, fields: Mapping[str, str]) -> web.Response:
    headers = {**fields, "ETag": file.etag, "Cache-Control": "no-cache"}
    if file.etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    charset = None if file.content_type == JSON_TYPE else "utf-8"
    return web.Response(
        body=file.body, content_type=file.content_type, charset=charset, headers=headers
    )


def _make(body: bytes, content_type: str) -> _File:
    return _File(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:16]}"')


@cache
def _page() -> Mapping[str, _File]:
    folder = files("cdnkit.service").joinpath("web", "docs")
    return {
        name: _make(folder.joinpath(name).read_bytes(), kind)
        for name, kind in _CONTENT_TYPES.items()
    }


def _version() -> str:
    try:
        return version("cinedge")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
