"""How an upload is described in header fields and JSON: one set for both protocols.

Pure. A field that only one protocol knows does not disturb the other, so answers carry what is
true; what a client must be told in its own words (Upload-Complete, Tus-Resumable) depends on the
dialect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cdnkit.dates import format_http_date
from cdnkit.digests import format_digest_field
from cdnkit.wire import CONTENT_PREFIX, GENERATION_HEADER, UPLOADS_PATH
from origin.catalog.records import ObjectRow
from origin.catalog.uploads import UploadRow
from origin.ingest.session import ACTIVE, UploadState
from origin.resumable import draft, tus
from origin.resumable.draft import Dialect, format_flag, format_limits
from origin.resumable.errors import GoneError
from origin.resumable.rules import FINAL, KEPT_FIELDS, PARTIAL, Rules

EXTENT_HEADER = "Cinedge-Extent-Bytes"


def kept_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Those of a request that count when the upload is published."""
    return {name: fields[name] for name in KEPT_FIELDS if name in fields}


def require_not_refused(row: UploadRow) -> None:
    """Raise GoneError for an upload that was refused for good: there is nothing to go on with."""
    if row.upload_state is UploadState.ABANDONED:
        detail = row.outcome.get("problem", {}).get("detail", "it failed")
        raise GoneError(f"this upload was refused: {detail}")


def offer_fields(rules: Rules) -> dict[str, str]:
    """What OPTIONS tells: both protocols, their limits, and where a part may begin."""
    return {
        "Tus-Resumable": tus.VERSION,
        "Tus-Version": tus.VERSION,
        "Tus-Extension": ",".join(tus.EXTENSIONS),
        "Tus-Max-Size": str(rules.object_bytes_max),
        "Tus-Checksum-Algorithm": ",".join(tus.CHECKSUMS),
        "Upload-Limit": format_limits(rules.object_bytes_max, int(rules.lifetime_seconds)),
        "Accept-Patch": f"{tus.CONTENT_TYPE}, {draft.CONTENT_TYPE}",
        EXTENT_HEADER: str(rules.extent_bytes),
        "Cache-Control": "no-store",
    }


def url_of(row: UploadRow, base_url: str) -> str:
    """Where an upload is."""
    return f"{base_url}{UPLOADS_PATH}/{row.id}"


def limit_field(row: UploadRow, rules: Rules, now: float) -> str:
    """Upload-Limit of one upload."""
    return format_limits(rules.object_bytes_max, math.floor(row.expires_at - now))


def state_fields(row: UploadRow, dialect: Dialect, rules: Rules, now: float) -> dict[str, str]:
    """Where an upload stands, for HEAD and after each append."""
    fields = {"Cache-Control": "no-store"}
    is_done = row.upload_state in (UploadState.PUBLISHED, UploadState.JOINED)
    if row.kind != FINAL or is_done:
        # tus: while parts are put together, an upload has no offset.
        fields["Upload-Offset"] = str(row.received_bytes)
    if row.upload_state in ACTIVE:
        fields["Upload-Expires"] = format_http_date(row.expires_at)
    if dialect is Dialect.TUS:
        fields["Tus-Resumable"] = tus.VERSION
    else:
        fields["Upload-Complete"] = format_flag(row.is_complete)
        fields["Upload-Limit"] = limit_field(row, rules, now)
    return fields


def resource_fields(row: UploadRow, dialect: Dialect) -> dict[str, str]:
    """What an upload is, for HEAD."""
    fields = {}
    if row.length_bytes is not None:
        fields["Upload-Length"] = str(row.length_bytes)
    elif dialect is Dialect.TUS:
        fields["Upload-Defer-Length"] = "1"
    if row.metadata:
        fields["Upload-Metadata"] = row.metadata
    if row.kind == PARTIAL:
        fields["Upload-Concat"] = "partial"
    if row.kind == FINAL:
        fields["Upload-Concat"] = "final;" + " ".join(f"{UPLOADS_PATH}/{i}" for i in row.parts)
    return fields


def object_fields(row: ObjectRow) -> dict[str, str]:
    """What became of a published upload, so that the client can compare."""
    return {
        "ETag": row.etag,
        "Content-Location": CONTENT_PREFIX + row.key,
        GENERATION_HEADER: str(row.generation),
        "Repr-Digest": format_digest_field({"sha-256": bytes.fromhex(row.sha256)}),
    }


def describe_upload(row: UploadRow, base_url: str) -> Mapping[str, Any]:
    """The JSON members of an upload, for people and programs that watch."""
    return {
        "id": row.id,
        "url": url_of(row, base_url),
        "kind": row.kind,
        "state": row.state,
        "key": row.key,
        "generation": row.generation,
        "offset_bytes": row.received_bytes,
        "length_bytes": row.length_bytes,
        "parts": list(row.parts),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "outcome": row.outcome,
    }
