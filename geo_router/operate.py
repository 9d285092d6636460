"""The operator's page: a handful of files, read once at start, served under /operate/.

The page asks this same process for the fleet and for explanations; it needs no other origin and
its content policy allows none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from aiohttp import web

from cdnkit.errors import NotFoundError
from cdnkit.service.operations import Answer, operation
from cdnkit.service.pages import page_headers

PREFIX: Final = "/operate/"
_INDEX: Final = "index.html"
_CONTENT_TYPES: Final[Mapping[str, str]] = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class OperatorPage:
    """The files of the page, in memory."""

    bodies: Mapping[str, bytes]

    def routes(self) -> list[web.RouteDef]:
        """The page, its files, and the ways that lead to it."""
        return [
            web.get("/", _go_to_page),
            web.get(PREFIX.rstrip("/"), _go_to_page),
            web.get(PREFIX + "{name:[^/]*}", self.get_file),
        ]

    @operation(answers={200: Answer("The file.", content_type="text/*")}, problems=(NotFoundError,))
    async def get_file(self, request: web.Request) -> web.StreamResponse:
        """One file of the page. Raises NotFoundError."""
        name = request.match_info["name"] or _INDEX
        body = self.bodies.get(name)
        if body is None:
            raise NotFoundError(f"the operator page has no file {name!r}")
        content_type = _CONTENT_TYPES[name.rpartition(".")[2]]
        headers = {**page_headers(), "Content-Type": content_type, "Cache-Control": "no-cache"}
        return web.Response(body=body, headers=headers)


def load_page() -> OperatorPage:
    """Read the page's files from the package."""
    folder = files("geo_router").joinpath("web", "operator")
    return OperatorPage(
        {
            item.name: item.read_bytes()
            for item in folder.iterdir()
            if item.name.rpartition(".")[2] in _CONTENT_TYPES
        }
    )


@operation(answers={302: Answer("To the page.")}, methods=("GET",), tag="operatorpage")
async def _go_to_page(request: web.Request) -> web.StreamResponse:
    """To the operator's page."""
    return web.Response(status=302, headers={"Location": PREFIX, "Cache-Control": "no-store"})
