"""How an object is named in a path and described in JSON: one form for upload and listing."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import AfterValidator, WithJsonSchema

from cdnkit.dates import format_http_date
from cdnkit.errors import BadKeyError
from cdnkit.keys import KEY_PATTERN, MAX_KEY_BYTES, parse_key
from cdnkit.service.operations import Shape
from cdnkit.service.paging import PageOf
from cdnkit.wire import CONTENT_PREFIX
from origin.catalog.records import ObjectRow

ObjectKey = Annotated[
    str,
    AfterValidator(parse_key),
    WithJsonSchema({"type": "string", "pattern": KEY_PATTERN, "maxLength": MAX_KEY_BYTES}),
]


class ObjectPath(Shape):
    """The path of an object, whose key may have slashes."""

    key: ObjectKey


class ObjectView(Shape):
    """What is known of a stored object."""

    key: str
    generation: int
    size_bytes: int
    content_type: str
    sha256: str
    etag: str
    last_modified: str
    url: str


class ObjectPage(PageOf[ObjectView]):
    """A part of the objects, in the order of their keys."""


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
