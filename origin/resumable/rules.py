"""What an upload over many requests must be like to be taken in: placement, lengths, quotas.

Pure. Turns what a client wishes into the row that is inserted, or refuses by raising.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cdnkit.digests import parse_digest_field
from cdnkit.errors import BadKeyError, BadRequestError, ConflictError, TooLargeError
from cdnkit.keys import parse_key
from origin.catalog.uploads import UploadRow, Usage
from origin.ingest.checks import DEFAULT_CONTENT_TYPE, UploadHead, check_content_type
from origin.ingest.session import UploadState
from origin.resumable.errors import InconsistentLengthError, QuotaError
from origin.resumable.tus import parse_metadata, parse_number

WHOLE: Final = "whole"
PARTIAL: Final = "partial"
FINAL: Final = "final"

KEPT_FIELDS: Final = (
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "repr-digest",
)
"""Fields of the request that creates an upload and count when it is published."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Bounds of one origin. Quotas are per access token."""

    extent_bytes: int
    object_bytes_max: int
    lifetime_seconds: float = 24 * 3600.0
    uploads_max: int = 1000
    unfinished_bytes_max: int = 64 << 40


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for."""

    owner: str
    kind: str = WHOLE
    key: str = ""
    length_bytes: int | None = None
    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    batch: str = ""
    start_bytes: int = 0
    total_bytes: int | None = None


def wish_of_metadata(
    owner: str, kind: str, length_bytes: int | None, text: str, fields: Mapping[str, str]
) -> Wish:
    """What a tus client asks for by its Upload-Metadata. Raises BadRequestError.

    `key` names the object, or else `filename`; `filetype` its type. A part may say where it
    belongs: `batch` (any word, the same for all parts of an object), `start` and `total` in bytes.
    """
    values = {name: _text(name, value) for name, value in parse_metadata(text).items()}
    batch = values.get("batch", "") if kind == PARTIAL else ""
    return Wish(
        owner=owner,
        kind=kind,
        key=_key_of(values, is_needed=kind != PARTIAL or bool(batch)),
        length_bytes=length_bytes,
        content_type=values.get("filetype") or values.get("type") or DEFAULT_CONTENT_TYPE,
        metadata=text,
        fields={name: fields[name] for name in KEPT_FIELDS if name in fields},
        batch=batch,
        start_bytes=parse_number(values.get("start", "0"), "start") if batch else 0,
        total_bytes=parse_number(values.get("total", ""), "total") if batch else None,
    )


def plan(wish: Wish, rules: Rules, usage: Usage, upload_id: str, now: float) -> UploadRow:
    """The row of a new upload. Raises BadRequestError, TooLargeError, QuotaError."""
    require_size(wish.length_bytes, rules)
    require_quota(usage, wish.length_bytes or 0, rules)
    head = UploadHead("PUT", {"content-type": wish.content_type}, None, rules.object_bytes_max)
    check_content_type(head, None)
    if "repr-digest" in wish.fields:
        parse_digest_field(wish.fields["repr-digest"])
    batch = ""
    if wish.batch:
        batch = _place_part(wish, rules)
    return UploadRow(
        id=upload_id,
        owner=wish.owner,
        kind=wish.kind,
        state=UploadState.OPENED.value,
        key="" if wish.kind == PARTIAL and not batch else wish.key,
        object_id=wish.key if wish.kind != PARTIAL or batch else f"~{upload_id}",
        generation=0,
        batch=batch,
        extent_bytes=rules.extent_bytes,
        start_bytes=wish.start_bytes,
        offset_bytes=wish.start_bytes,
        length_bytes=wish.length_bytes,
        crc32c=(),
        metadata=wish.metadata,
        content_type=wish.content_type,
        fields=wish.fields,
        parts=(),
        joined_into="",
        epoch=0,
        outcome={},
        created_at=now,
        expires_at=now + rules.lifetime_seconds,
    )


def plan_final(
    wish: Wish, parts: Sequence[UploadRow], rules: Rules, upload_id: str, now: float
) -> UploadRow:
    """The row that joins parts; it keeps the generation of parts that lie where they belong.

    Raises ConflictError for a part that is not complete, TooLargeError.
    """
    for part in parts:
        if part.kind != PARTIAL:
            raise BadRequestError(f"{part.id} is no part: it was not created as one")
        if part.upload_state is not UploadState.RECEIVED:
            raise ConflictError(f"part {part.id} is {part.state}; only complete parts are joined")
    length_bytes = sum(part.received_bytes for part in parts)
    whole = dataclasses.replace(wish, kind=FINAL, length_bytes=length_bytes)
    row = plan(whole, rules, Usage(0, 0), upload_id, now)
    in_place = lies_in_place(wish.key, parts)
    return dataclasses.replace(
        row,
        state=UploadState.RECEIVED.value,
        generation=parts[0].generation if in_place else 0,
        batch=parts[0].batch if in_place else "",
        extent_bytes=parts[0].extent_bytes if in_place else rules.extent_bytes,
        offset_bytes=length_bytes,
        crc32c=tuple(n for part in parts for n in part.crc32c) if in_place else (),
        parts=tuple(part.id for part in parts),
    )


def lies_in_place(key: str, parts: Sequence[UploadRow]) -> bool:
    """Whether the parts, one after the other, are the extents of the object already."""
    at = 0
    for part in parts:
        belongs = part.batch and part.batch == parts[0].batch and part.key == key
        if not belongs or part.start_bytes != at:
            return False
        at = part.offset_bytes
    return all(part.offset_bytes % part.extent_bytes == 0 for part in parts[:-1])


def require_size(size_bytes: int | None, rules: Rules) -> None:
    """Raise TooLargeError beyond the largest object."""
    if size_bytes is not None and size_bytes > rules.object_bytes_max:
        raise TooLargeError(
            f"an object has at most {rules.object_bytes_max} bytes",
            limit_bytes=rules.object_bytes_max,
        )


def require_quota(usage: Usage, more_bytes: int, rules: Rules) -> None:
    """Raise QuotaError when an owner would have too much unfinished."""
    if usage.uploads >= rules.uploads_max:
        raise QuotaError(
            f"this token has {usage.uploads} unfinished uploads already; finish or delete some",
            limit_uploads=rules.uploads_max,
        )
    if usage.size_bytes + more_bytes > rules.unfinished_bytes_max:
        raise QuotaError(
            f"the unfinished uploads of this token may take {rules.unfinished_bytes_max} bytes",
            limit_bytes=rules.unfinished_bytes_max,
        )


def settle_length(known: int | None, announced: int | None, offset: int) -> int | None:
    """The length of an upload after a request announced one. Raises InconsistentLengthError."""
    if announced is None:
        return known
    if known not in (None, announced):
        raise InconsistentLengthError(f"the length of this upload is {known}, not {announced}")
    if announced < offset:
        raise InconsistentLengthError(f"the upload has {offset} bytes already, not {announced}")
    return announced


def _place_part(wish: Wish, rules: Rules) -> str:
    """The name of the batch in the database. Raises BadRequestError for a part in between."""
    total, extent_bytes = wish.total_bytes or 0, rules.extent_bytes
    require_size(total, rules)
    if not wish.length_bytes:
        raise BadRequestError("a part that says where it belongs needs its Upload-Length")
    stop = wish.start_bytes + wish.length_bytes
    if wish.start_bytes % extent_bytes or (stop % extent_bytes and stop != total) or stop > total:
        raise BadRequestError(
            f"a part of a batch begins at a multiple of {extent_bytes} and ends at one or at total",
            extent_bytes=extent_bytes,
        )
    words = "\0".join((wish.owner, wish.key, wish.batch, str(extent_bytes), str(total)))
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _key_of(values: Mapping[str, str], *, is_needed: bool) -> str:
    if not is_needed:
        return ""
    for name in ("key", "filename"):
        if name in values:
            return parse_key(values[name])
    raise BadKeyError("Upload-Metadata says neither key nor filename: where is the object to be?")


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise BadRequestError(f"the value of {name!r} in Upload-Metadata is not UTF-8") from None
