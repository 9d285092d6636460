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
from cdnkit.service.patterns import rest
from cdnkit.wire import CONTENT_PREFIX
from origin import declared
from origin.catalog.catalog import Catalog
from origin.deliver import deliver
from origin.object_views import describe, key_of
from origin.shelf import Shelf
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
        shelf: Shelf,
        base_url: str = "",
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._holds = holds
        self._shelf = shelf
        self._base_url = base_url.rstrip("/")

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get(LIST_PATH, self.list),
            web.get(CONTENT_PREFIX + rest("key"), self.get),
        ]

    @declared.read_object
    async def get(self, request: web.Request) -> web.StreamResponse:
        """An object, whole or in ranges."""
        key = key_of(request)
        found = self._shelf.find(key)
        if found is None:
            raise NotFoundError(f"there is no object {key!r}")
        stored, said = found
        with self._holds.hold(stored):
            return await deliver(request, stored, said, self._store)

    @declared.list_objects
    async def list(self, request: web.Request, query: declared.ObjectsQuery) -> web.StreamResponse:
        """A page of objects, in key order."""
        rows, following = self._catalog.objects.page(
            prefix=query.prefix, after=query.after, limit=query.limit
        )
        items = [describe(request, row, self._base_url) for row in rows]
        return web.json_response(
            {"items": items, "next": following}, headers={"Cache-Control": "no-store"}
        )
