"""What the head of a request says about an upload, whichever protocol it speaks.

Pure. One record for creating and one for appending; from there on nobody asks for the dialect but
who words the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cdnkit.digests import HASHES, parse_digest_field
from cdnkit.errors import BadRequestError, MediaTypeError, TooLargeError
from origin.catalog.uploads import UploadRow
from origin.ingest.checks import DEFAULT_CONTENT_TYPE
from origin.resumable import draft, tus
from origin.resumable.draft import Dialect, dialect_of, parse_flag, parse_integer
from origin.resumable.errors import InconsistentLengthError, VersionError
from origin.resumable.rules import KEPT_FIELDS, PARTIAL, WHOLE, Wish, wish_of_metadata
from origin.resumable.transfer import ChunkCheck
from origin.resumable.tus import CHECKSUMS, is_upload_id, parse_checksum, parse_concat, parse_number

__all__ = [
    "AppendHead",
    "CreationHead",
    "dialect_of",
    "is_upload_id",
    "read_append",
    "read_creation",
    "read_put",
]

_CONTENT_TYPES: Final = {
    Dialect.TUS: tus.CONTENT_TYPE,
    Dialect.DRAFT: draft.CONTENT_TYPE,
}


@dataclass(frozen=True, slots=True)
class AppendHead:
    """The head of a request with bytes of an upload.

    `is_last` says that nothing follows; None when only the length tells (tus).
    """

    dialect: Dialect
    offset: int
    length_bytes: int | None
    content_bytes: int | None
    is_last: bool | None
    checks: tuple[ChunkCheck, ...]

    def ends_upload(self, row: UploadRow) -> bool:
        """Whether every byte is here, once this request's are."""
        is_full = row.length_bytes in (None, row.received_bytes)
        if self.is_last is None:
            return row.length_bytes is not None and is_full
        return self.is_last and is_full

    def require_fit(self, length_bytes: int | None) -> None:
        """Refuse content that would pass the end of the upload, before it is read."""
        if length_bytes is None or self.content_bytes is None:
            return
        stop = self.offset + self.content_bytes
        if stop > length_bytes and self.dialect is Dialect.TUS:
            raise TooLargeError(f"the upload ends at {length_bytes}", limit_bytes=length_bytes)
        if stop > length_bytes or (self.is_last and stop < length_bytes):
            raise InconsistentLengthError(
                f"the length of this upload is {length_bytes}, the content would end at {stop}"
            )

    def require_end(self, row: UploadRow) -> None:
        """Refuse to call complete what is shorter than was announced."""
        if self.is_last and not row.is_complete:
            raise InconsistentLengthError(
                f"the length of this upload is {row.length_bytes}, it has {row.received_bytes}"
            )


@dataclass(frozen=True, slots=True)
class CreationHead:
    """The head of a request that creates an upload; `first` is the content that comes with it."""

    dialect: Dialect
    wish: Wish
    parts: tuple[str, ...]
    first: AppendHead | None


def require_version(fields: Mapping[str, str], dialect: Dialect) -> None:
    """Raise VersionError when tus is spoken in no version that is known here."""
    if dialect is Dialect.TUS and fields.get("tus-resumable") != tus.VERSION:
        raise VersionError(f"tus is spoken in version {tus.VERSION} here")


def read_append(fields: Mapping[str, str], content_bytes: int | None) -> AppendHead:
    """The head of a PATCH. Raises VersionError, MediaTypeError, BadRequestError."""
    dialect = dialect_of(fields)
    require_version(fields, dialect)
    _require_type(fields, dialect)
    if "upload-offset" not in fields:
        raise BadRequestError("Upload-Offset is missing")
    if dialect is Dialect.TUS:
        offset = parse_number(fields["upload-offset"], "Upload-Offset")
        return _tus_append(fields, content_bytes, offset)
    offset = parse_integer(fields["upload-offset"], "Upload-Offset")
    return draft_append(fields, content_bytes, offset)


def read_creation(fields: Mapping[str, str], content_bytes: int | None, owner: str) -> CreationHead:
    """The head of a POST to the collection. Raises VersionError, BadRequestError, BadKeyError."""
    dialect = dialect_of(fields)
    require_version(fields, dialect)
    metadata = fields.get("upload-metadata", "")
    if dialect is Dialect.DRAFT:
        if "upload-complete" not in fields:
            raise BadRequestError("say Tus-Resumable, or Upload-Complete as the IETF draft has it")
        first = draft_append(fields, content_bytes, 0)
        wish = wish_of_metadata(owner, WHOLE, first.length_bytes, metadata, fields)
        return CreationHead(dialect, wish, (), first)
    concat = parse_concat(fields["upload-concat"]) if "upload-concat" in fields else None
    if concat is not None and concat.is_final:
        if "upload-length" in fields:
            raise BadRequestError("the length of a final upload is that of its parts")
        wish = wish_of_metadata(owner, WHOLE, None, metadata, fields)
        return CreationHead(dialect, wish, concat.parts, None)
    length = _tus_length(fields)
    kind = WHOLE if concat is None else PARTIAL
    wish = wish_of_metadata(owner, kind, length, metadata, fields)
    content: AppendHead | None = None
    if content_bytes != 0 and "content-type" in fields:
        _require_type(fields, dialect)
        content = _tus_append(fields, content_bytes, 0)
    return CreationHead(dialect, wish, (), content)


def read_put(
    fields: Mapping[str, str],
    content_bytes: int | None,
    owner: str,
    key: str,
) -> CreationHead:
    """The head of a PUT of an object with Upload-Complete. Raises BadRequestError."""
    first = draft_append(fields, content_bytes, 0)
    wish = Wish(
        owner=owner,
        key=key,
        length_bytes=first.length_bytes,
        content_type=fields.get("content-type", DEFAULT_CONTENT_TYPE).strip(),
        fields={name: fields[name] for name in KEPT_FIELDS if name in fields},
    )
    return CreationHead(Dialect.DRAFT, wish, (), first)


def draft_append(fields: Mapping[str, str], content_bytes: int | None, offset: int) -> AppendHead:
    """Content of an upload as the IETF draft announces it. Raises BadRequestError."""
    if "upload-complete" not in fields:
        raise BadRequestError("Upload-Complete is missing")
    is_last = parse_flag(fields["upload-complete"], "Upload-Complete")
    length = None
    if "upload-length" in fields:
        length = parse_integer(fields["upload-length"], "Upload-Length")
    if is_last and content_bytes is not None:
        stop = offset + content_bytes
        if length not in (None, stop):
            raise InconsistentLengthError(
                f"Upload-Length says {length}, the content ends at {stop}"
            )
        length = stop
    checks = _content_checks(fields)
    return AppendHead(Dialect.DRAFT, offset, length, content_bytes, is_last, checks)


def _tus_append(fields: Mapping[str, str], content_bytes: int | None, offset: int) -> AppendHead:
    length = None
    if "upload-length" in fields:
        length = parse_number(fields["upload-length"], "Upload-Length")
    checks = _content_checks(fields)
    if "upload-checksum" in fields:
        checksum = parse_checksum(fields["upload-checksum"])
        checks += (ChunkCheck(CHECKSUMS[checksum.algorithm](), checksum.digest),)
    return AppendHead(Dialect.TUS, offset, length, content_bytes, None, checks)


def _tus_length(fields: Mapping[str, str]) -> int | None:
    is_deferred = "upload-defer-length" in fields
    if is_deferred == ("upload-length" in fields):
        raise BadRequestError("say either Upload-Length or Upload-Defer-Length: 1")
    if not is_deferred:
        return parse_number(fields["upload-length"], "Upload-Length")
    if fields["upload-defer-length"] != "1":
        raise BadRequestError("Upload-Defer-Length is 1 or left out")
    return None


def _content_checks(fields: Mapping[str, str]) -> tuple[ChunkCheck, ...]:
    """Content-Digest is of the bytes of one request (RFC 9530 2)."""
    if "content-digest" not in fields:
        return ()
    digests = parse_digest_field(fields["content-digest"])
    return tuple(
        ChunkCheck(HASHES[name](), digest) for name, digest in digests.items() if name in HASHES
    )


def _require_type(fields: Mapping[str, str], dialect: Dialect) -> None:
    expected = _CONTENT_TYPES[dialect]
    given = fields.get("content-type", "").partition(";")[0].strip().lower()
    if given != expected:
        raise MediaTypeError(f"bytes of an upload come as {expected}")
