"""From titles to the objects they are made of: the film, and the package that viewers get."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final

from cdnkit.errors import BadRequestError, ConflictError
from origin.catalog.catalog import Catalog
from origin.catalog.jobs import Jobs
from origin.catalog.records import ObjectRow
from origin.orders.asked import Part

_PACKAGES: Final = "play/"
"""What the keys of all packages begin with; `origin.packaging` makes them."""
_SMALL_BYTES: Final = 1 << 20
"""Playlists, posters and the like are taken whole."""
_OBJECTS_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """The first bytes [0, stop_bytes) of an object; None means all of it."""

    key: str
    stop_bytes: int | None


class TitleParts:
    """Looks titles up."""

    def __init__(self, catalog: Catalog, jobs: Jobs) -> None:
        self._catalog = catalog
        self._jobs = jobs

    def names_of(self, title_id: str) -> tuple[list[str], list[str]]:
        """Keys and prefixes of a title, old packages included. Raises BadRequestError."""
        body = self._body(title_id)
        keys = [body[name] for name in ("media", "poster") if isinstance(body.get(name), str)]
        listed = body.get("subtitles")
        subtitles = [each for each in listed if isinstance(each, dict)] if listed else []
        keys += [each["key"] for each in subtitles if isinstance(each.get("key"), str)]
        return keys, [f"{_PACKAGES}{title_id}/"]

    async def wanted(self, title_id: str, part: Part) -> list[Wanted]:
        """What to hold of a title. Raises BadRequestError, ConflictError."""
        body = self._body(title_id)
        job = await self._jobs.find(title_id)
        published: Any = {} if job is None else job.published
        if published:
            rows, _ = self._catalog.objects.page(prefix=published["prefix"], limit=_OBJECTS_MAX)
            return [self._cut(row, part, published.get("duration_seconds")) for row in rows]
        row = self._catalog.objects.get(body.get("media") or "")
        if row is None:
            raise ConflictError(f"the title {title_id!r} has neither a package nor stored media")
        return [self._cut(row, part, None)]

    def under(self, prefix: str, part: Part) -> list[Wanted]:
        """What to hold of the objects that are there under a prefix. Raises ConflictError."""
        rows, following = self._catalog.objects.page(prefix=prefix, limit=_OBJECTS_MAX)
        if following is not None:
            raise ConflictError(f"more than {_OBJECTS_MAX} objects are under {prefix[:80]!r}")
        return [Wanted(row.key, part.stop_bytes) for row in rows]

    def _body(self, title_id: str) -> dict[str, Any]:
        title = self._catalog.titles.get(title_id)
        if title is None:
            raise BadRequestError(f"there is no title {title_id[:80]!r}")
        body: dict[str, Any] = json.loads(title.body)
        return body

    def _cut(self, row: ObjectRow, part: Part, duration_seconds: float | None) -> Wanted:
        if row.size_bytes <= _SMALL_BYTES:
            return Wanted(row.key, None)
        if part.seconds is None:
            return Wanted(row.key, part.stop_bytes)
        if not duration_seconds:
            raise ConflictError("the title is not packaged: how long it is is not known; say bytes")
        share = min(1.0, part.seconds / duration_seconds)
        return Wanted(row.key, min(row.size_bytes, math.ceil(row.size_bytes * share)))
