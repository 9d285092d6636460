"""The site and what it has to know: static files, where the router is, what this origin offers.

    GET  /              the page            200, 304
    GET  /web/{name}    its files           200, 304
    GET  /v1/site       {"router_url": …}   200

The site's behaviour is in `origin/web`; which other origins the page may talk to is decided by
`page_sources`. The player library hls.js is the operator's to install and never a part of
ours: the file that a setting names is served beside the rest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web
from pydantic import Field

from cdnkit.errors import NotFoundError
from cdnkit.service.operations import Answer, Shape, operation
from cdnkit.service.pages import page_headers
from cdnkit.service.patterns import rest
from cdnkit.validators import Validators
from origin.page_sources import Sources
from origin.requests import is_not_modified

SITE_PATH: Final = "/v1/site"
PLAYER_NAME: Final = "hls.mjs"
_FOLDER: Final = Path(__file__).parent / "web"
_CONTENT_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_UNCHANGED: Final = Answer("It is what the client has.")


class SiteView(Shape):
    """What the page has to know."""

    router_url: str
    service: bool = Field(description="Whether there are accounts and what belongs to them.")
    plans: bool = Field(description="Whether something is sold.")
    hls_player: str = Field(description="Where hls.js is; empty when it is not installed.")


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file as it is sent."""

    body: bytes
    content_type: str
    etag: str


class Site:
    """Handlers of the page. `player` is a file of hls.js as a module, or None."""

    def __init__(
        self,
        router_url: str,
        sources: Sources,
        *,
        service: bool,
        plans: bool,
        player: Path | None,
    ) -> None:
        self._view = SiteView(
            router_url="",
            service=service,
            plans=plans,
            hls_player=f"/web/{PLAYER_NAME}" if player is not None else "",
        )
        self.adopt(router_url, sources)
        self._files = read_files(_FOLDER)
        if player is not None:
            self._files[PLAYER_NAME] = _as_file(player.read_bytes(), _CONTENT_TYPES[".js"])

    def adopt(self, router_url: str, sources: Sources) -> None:
        """From now on the router is there, and the page may load and talk to these."""
        self._view = self._view.model_copy(update={"router_url": router_url.rstrip("/")})
        self._headers = page_headers(
            media=sources.media,
            connect=sources.connect,
            script=sources.script,
            frame=sources.frame,
        )

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get("/", self.get_page),
            web.get("/web/" + rest("name"), self.get_file),
            web.get(SITE_PATH, self.get_site),
        ]

    @operation(answers={200: Answer("HTML.", content_type="text/html"), 304: _UNCHANGED})
    async def get_page(self, request: web.Request) -> web.StreamResponse:
        """The page."""
        return self._answer(request, self._files["index.html"])

    @operation(
        answers={200: Answer("The file.", content_type="text/*"), 304: _UNCHANGED},
        problems=(NotFoundError,),
    )
    async def get_file(self, request: web.Request) -> web.StreamResponse:
        """A file of the page."""
        name = request.match_info["name"]
        file = self._files.get(name)
        if file is None:
            raise NotFoundError(f"the page has no file {name[:60]!r}")
        return self._answer(request, file)

    @operation()
    async def get_site(self, request: web.Request) -> SiteView:
        """What the page has to know."""
        return self._view

    def _answer(self, request: web.Request, file: SiteFile) -> web.StreamResponse:
        headers = {**self._headers, "ETag": file.etag, "Cache-Control": "no-cache"}
        if is_not_modified(request, Validators(file.etag)):
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=file.body, headers=headers, content_type=file.content_type, charset="utf-8"
        )


def read_files(folder: Path) -> dict[str, SiteFile]:
    """The files that a browser may ask for, by their path in the folder."""
    return {
        path.relative_to(folder).as_posix(): _as_file(path.read_bytes(), content_type)
        for path in sorted(folder.rglob("*"))
        if (content_type := _CONTENT_TYPES.get(path.suffix)) is not None
    }


def _as_file(body: bytes, content_type: str) -> SiteFile:
    return SiteFile(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
