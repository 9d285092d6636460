"""What is asked of an upload before its first byte is read, in order, one small function each.

They look at the request head and the row that stands now, and refuse by raising; so an upload that
waits for `100 Continue` is refused before it costs anything. The conditions are asked once more
when the upload is published, of the row that stands then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cdnkit.digests import parse_digest_field
from cdnkit.errors import (
    BadRequestError,
    NotFoundError,
    PreconditionFailedError,
    TooLargeError,
)
from cdnkit.validators import Validators, Verdict, evaluate
from origin.catalog.records import ObjectRow

DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"
_CONTENT_TYPE_LENGTH_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class UploadHead:
    """What the head of an upload announces; `fields` has lower-case names, lines joined."""

    method: str
    fields: Mapping[str, str]
    length_bytes: int | None
    limit_bytes: int


Check = Callable[[UploadHead, ObjectRow | None], None]


def check_length(head: UploadHead, current: ObjectRow | None) -> None:
    """Refuse more than an object may have."""
    if head.length_bytes is not None and head.length_bytes > head.limit_bytes:
        raise TooLargeError(
            f"an object has at most {head.limit_bytes} bytes", limit_bytes=head.limit_bytes
        )


def check_conditions(head: UploadHead, current: ObjectRow | None) -> None:
    """If-Match, If-None-Match and If-Unmodified-Since against `current` (RFC 9110 13.2.2)."""
    require_conditions(head.method, head.fields, validators_of(current))


def check_content_type(head: UploadHead, current: ObjectRow | None) -> None:
    """Refuse a Content-Type that could not be sent back as a field."""
    content_type = content_type_of(head)
    media, slash, subtype = content_type.partition(";")[0].strip().partition("/")
    is_plain = content_type.isascii() and content_type.isprintable()
    if not (media and slash and subtype and is_plain):
        raise BadRequestError("Content-Type is not TYPE/SUBTYPE")
    if len(content_type) > _CONTENT_TYPE_LENGTH_MAX:
        raise BadRequestError(f"Content-Type has more than {_CONTENT_TYPE_LENGTH_MAX} characters")


def check_whole(head: UploadHead, current: ObjectRow | None) -> None:
    """Refuse a part of an object, or an encoding of one (RFC 9110 14.5: PUT is whole)."""
    if "content-range" in head.fields:
        raise BadRequestError("PUT takes the whole object; Content-Range is not supported")
    if head.fields.get("content-encoding", "identity").strip().lower() != "identity":
        raise BadRequestError("objects are stored as they are; Content-Encoding is not supported")


def check_digests(head: UploadHead, current: ObjectRow | None) -> None:
    """Refuse digest fields that cannot be read (RFC 9530)."""
    announced_digests(head)


CHECKS: Final[tuple[Check, ...]] = (
    check_length,
    check_conditions,
    check_content_type,
    check_whole,
    check_digests,
)


def run_checks(head: UploadHead, current: ObjectRow | None) -> None:
    """Ask everything, in order; the first refusal is raised."""
    for check in CHECKS:
        check(head, current)


def content_type_of(head: UploadHead) -> str:
    """What the object will be served as."""
    return head.fields.get("content-type", DEFAULT_CONTENT_TYPE).strip()


def announced_digests(head: UploadHead) -> list[Mapping[str, bytes]]:
    """Every digest announced; of a plain PUT, content and representation are the same bytes."""
    names = ("repr-digest", "content-digest")
    return [parse_digest_field(head.fields[name]) for name in names if name in head.fields]


def validators_of(row: ObjectRow | None) -> Validators | None:
    """The validators of a row, None when nothing is published."""
    return None if row is None else row.validators


def deletion_check(
    key: str, method: str, fields: Mapping[str, str]
) -> Callable[[ObjectRow | None], None]:
    """What is asked of the row that stands when an object is deleted.

    It raises PreconditionFailedError, and NotFoundError when there is none.
    """

    def check(current: ObjectRow | None) -> None:
        require_conditions(method, fields, validators_of(current))
        if current is None:
            raise NotFoundError(f"there is no object {key!r}")

    return check


def require_conditions(method: str, fields: Mapping[str, str], current: Validators | None) -> None:
    """Raise PreconditionFailedError when the request's conditions do not hold of `current`."""
    if evaluate(method, fields, current) is Verdict.FAILED:
        raise PreconditionFailedError(
            "the condition does not hold of what is stored now",
            current_etag=None if current is None else current.etag,
        )
