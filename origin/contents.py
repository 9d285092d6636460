"""Reading the film bytes over HTTP.

    GET  /v1/content/{key}   the object, whole or in ranges   200, 206, 304
    GET  /v1/content         list, in pages                   200

Decides what the answer says of the object; ranges and conditions are `origin.deliver`, uploads are
`origin.uploads`.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from cdnkit.errors import NotFoundError
from cdnkit.service.pages import cors_headers
from cdnkit.wire import CONTENT_PREFIX, GENERATION_HEADER
from origin.catalog.catalog import Catalog
from origin.deliver import deliver
from origin.object_views import describe, key_of
from origin.paging import parse_page
from origin.store.base import ByteStore
from origin.sweeper import Holds

LIST_PATH: Final = CONTENT_PREFIX.rstrip("/")


class Contents:
    """Handlers that read /v1/content."""

    def __init__(
        self,
        catalog: Catalog,
        store: ByteStore,
        holds: Holds,
        *,
        max_age_seconds: int,
        base_url: str = "",
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._holds = holds
        self._cache_control = f"public, max-age={max_age_seconds}"
        self._base_url = base_url.rstrip("/")

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get(LIST_PATH, self.list),
            web.get(CONTENT_PREFIX + "{key:.*}", self.get),
        ]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Serve an object."""
        key = key_of(request)
        row = self._catalog.objects.get(key)
        if row is None:
            raise NotFoundError(f"there is no object {key!r}")
        with self._holds.hold(row.stored):
            return await deliver(
                request,
                stored=row.stored,
                content_type=row.content_type,
                validators=row.validators,
                cache_control=self._cache_control,
                digest=bytes.fromhex(row.sha256),
                store=self._store,
                extra_headers={GENERATION_HEADER: str(row.generation), **cors_headers()},
            )

    async def list(self, request: web.Request) -> web.StreamResponse:
        """A page of objects, in key order."""
        page = parse_page(request.query)
        rows, following = self._catalog.objects.page(
            prefix=page.prefix, after=page.after, limit=page.limit
        )
        items = [describe(request, row, self._base_url) for row in rows]
        return web.json_response(
            {"items": items, "next": following}, headers={"Cache-Control": "no-store"}
        )
