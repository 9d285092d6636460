"""How an object is named in a path and described in JSON: one form for upload and listing."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from cdnkit.dates import format_http_date
from cdnkit.errors import BadKeyError
from cdnkit.keys import parse_key
from cdnkit.wire import CONTENT_PREFIX
from origin.catalog.records import ObjectRow


def key_of(request: web.Request) -> str:
    """The object key in the path. Raises BadKeyError."""
    # The raw path: a decoded one would make two spellings of one key.
    path = request.rel_url.raw_path
    if not path.startswith(CONTENT_PREFIX):
        raise BadKeyError("the path is percent-encoded; paths are written as they are")
    return parse_key(path[len(CONTENT_PREFIX) :])


def describe(request: web.Request, row: ObjectRow, base_url: str) -> dict[str, Any]:
    """The JSON members of an object; its URL starts with `base_url`, or as the request's does."""
    base_url = base_url or str(request.url.origin())
    return {
        "key": row.key,
        "generation": row.generation,
        "size_bytes": row.size_bytes,
        "content_type": row.content_type,
        "sha256": row.sha256,
        "etag": row.etag,
        "last_modified": format_http_date(row.created_at),
        "url": f"{base_url}{CONTENT_PREFIX}{row.key}",
    }
