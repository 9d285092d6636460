"""The player page and what it has to know: static files, and where the router is.

    GET  /              the page            200, 304
    GET  /web/{name}    its files           200, 304
    GET  /v1/site       {"router_url": …}   200

The page's behaviour is in `origin/web`; this module decides headers, above all which other origins
the page may talk to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from cdnkit.service.pages import page_headers
from cdnkit.validators import Validators
from config.topology import Topology
from origin.requests import is_not_modified

SITE_PATH: Final = "/v1/site"
_FOLDER: Final = Path(__file__).parent / "web"
_CONTENT_TYPES: Final = {
    "index.html": "text/html",
    "player.css": "text/css",
    "player.js": "text/javascript",
    "api.js": "text/javascript",
}
_ANYWHERE: Final = ("http:", "https:")


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str
    etag: str


def allowed_origins(router_url: str, topology: Topology) -> tuple[str, ...]:
    """The origins the page may fetch and play from besides its own.

    Without edges in the topology, a router of its own knows them and the page cannot.
    """
    if not router_url:
        return ()
    if not topology.edges:
        return _ANYWHERE
    urls = [router_url]
    urls += [router.url or f"http://{router.listen}" for router in topology.routers]
    urls += [edge.url or f"http://{edge.listen}" for edge in topology.edges]
    return tuple(sorted({_origin_of(url) for url in urls}))


class Site:
    """Handlers of the page."""

    def __init__(self, router_url: str, connect: Sequence[str]) -> None:
        self._router_url = router_url.rstrip("/")
        self._headers = page_headers(media=connect, connect=connect)
        self._files = {name: _read(name) for name in _CONTENT_TYPES}

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get("/", self.get_page),
            web.get("/web/{name}", self.get_file),
            web.get(SITE_PATH, self.get_site),
        ]

    async def get_page(self, request: web.Request) -> web.StreamResponse:
        """The page."""
        return self._answer(request, self._files["index.html"])

    async def get_file(self, request: web.Request) -> web.StreamResponse:
        """A file of the page."""
        file = self._files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        return self._answer(request, file)

    async def get_site(self, request: web.Request) -> web.StreamResponse:
        """What the page has to know."""
        return web.json_response(
            {"router_url": self._router_url}, headers={"Cache-Control": "no-store"}
        )

    def _answer(self, request: web.Request, file: _File) -> web.StreamResponse:
        headers = {**self._headers, "ETag": file.etag, "Cache-Control": "no-cache"}
        if is_not_modified(request, Validators(file.etag)):
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=file.body, headers=headers, content_type=file.content_type, charset="utf-8"
        )


def _read(name: str) -> _File:
    body = (_FOLDER / name).read_bytes()
    return _File(body, _CONTENT_TYPES[name], f'"{hashlib.sha256(body).hexdigest()[:16]}"')


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
