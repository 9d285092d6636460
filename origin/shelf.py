"""Objects as readers need them: where the bytes are, and what is said of them in every answer.

Both are made once a generation; what is published is the catalog's business.
"""

from __future__ import annotations

from typing import Final

from cdnkit.service.pages import cors_headers
from cdnkit.wire import GENERATION_HEADER
from origin.catalog.catalog import Catalog
from origin.catalog.records import ObjectRow
from origin.reply import Said, say
from origin.store.base import StoredObject

_KEPT_MAX: Final = 20_000


class Shelf:
    """The objects of a catalog by key."""

    def __init__(self, catalog: Catalog, max_age_seconds: int) -> None:
        self._catalog = catalog
        self._kept: dict[str, tuple[ObjectRow, tuple[StoredObject, Said]]] = {}
        self.adopt(max_age_seconds)

    def adopt(self, max_age_seconds: int) -> None:
        """From now on caches are told this."""
        self._cache_control = f"public, max-age={max_age_seconds}"
        self._kept.clear()

    def find(self, key: str) -> tuple[StoredObject, Said] | None:
        """The object of a key as it is published now; the same tuple for the same generation."""
        row = self._catalog.objects.get(key)
        if row is None:
            return None
        kept = self._kept.get(key)
        if kept is not None and kept[0] is row:
            return kept[1]
        found = (
            row.stored,
            say(
                row.size_bytes,
                row.content_type,
                row.validators,
                self._cache_control,
                bytes.fromhex(row.sha256),
                {GENERATION_HEADER: str(row.generation), **cors_headers()},
            ),
        )
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[key] = row, found
        return found
