"""What the operations of uploads take and answer, for the description of the API.

Both protocols live in header fields, which their handlers read by themselves; so these
declarations describe, and bind nothing but the query of the listing.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from pydantic import Field

from cdnkit.errors import (
    BadKeyError,
    ConflictError,
    DigestMismatchError,
    ForbiddenError,
    IncompleteBodyError,
    MediaTypeError,
    NotFoundError,
    PreconditionFailedError,
    StorageFullError,
    TooLargeError,
    UnavailableError,
)
from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import ANY_TYPE, Answer, Shape, operation
from cdnkit.service.paging import LIMIT_DEFAULT, PageOf, PageQuery
from cdnkit.service.patterns import segment
from cdnkit.wire import PROBLEM_CONTENT_TYPE
from origin.object_views import ObjectPath, ObjectView
from origin.requests import CONDITIONS
from origin.resumable.errors import (
    CHECKSUM_STATUS,
    ChecksumError,
    GoneError,
    InconsistentLengthError,
    MismatchingOffsetError,
    QuotaError,
    SupersededError,
    VersionError,
)

ONE: Final = "/" + segment("id")
"""One upload, behind the path of all."""
PAGE_MAX: Final = 200
SCOPE: Final = "upload"


class UploadView(Shape):
    """An upload for who watches."""

    id: str
    url: str
    kind: str
    state: str
    key: str
    generation: int
    offset_bytes: int
    length_bytes: int | None
    parts: list[str]
    created_at: float
    expires_at: float
    outcome: dict[str, Any] = Field(description="What became of it, once that is known.")


class UploadsQuery(PageQuery):
    """Which of one's own uploads are listed."""

    limit: Annotated[int, Field(ge=1, le=PAGE_MAX), DIGITS] = LIMIT_DEFAULT


class UploadPage(PageOf[UploadView]):
    """A part of one's own uploads."""


_SPEAKS: Final = {
    "Tus-Resumable": "`1.0.0` when tus is spoken.",
    "Upload-Complete": "`?1` with the last bytes, `?0` before, as the IETF draft has it.",
}
_LENGTHS: Final = {
    "Upload-Length": "Bytes of the whole.",
    "Upload-Defer-Length": "`1`: the length is told later (tus).",
    "Upload-Metadata": "Names and base64 values (tus); `key` says where the object is to be.",
    "Upload-Concat": "`partial`, or `final;` and the parts (tus).",
}
_BYTES: Final = {
    "Upload-Checksum": "Algorithm and base64 digest of this request's bytes (tus).",
    "Content-Digest": "Digest of this request's bytes (RFC 9530).",
    "Repr-Digest": "Digest of the whole (RFC 9530).",
}
_OVERRIDE: Final = {"X-HTTP-Method-Override": "The method that is meant (tus)."}
_OFFSET: Final = {"Upload-Offset": "How many bytes are there."}
_OFFERS: Final = {"Tus-Extension": "What of tus is spoken.", "Upload-Limit": "What may be sent."}

_OBJECT_PROBLEMS: Final = (
    BadKeyError,
    DigestMismatchError,
    IncompleteBodyError,
    ConflictError,
    PreconditionFailedError,
    TooLargeError,
    StorageFullError,
    UnavailableError,
)
_UPLOAD_PROBLEMS: Final = (
    InconsistentLengthError,
    ChecksumError,
    NotFoundError,
    SupersededError,
    MismatchingOffsetError,
    GoneError,
    VersionError,
    MediaTypeError,
    QuotaError,
)
_FINDING: Final = (NotFoundError, GoneError, SupersededError, VersionError, UnavailableError)
_DROPPED: Final = {
    CHECKSUM_STATUS: Answer("The bytes are not those announced (tus).", None, PROBLEM_CONTENT_TYPE)
}
_DONE: Final = {
    200: Answer("The object was replaced.", ObjectView, headers={"ETag": "Of the object."}),
    201: Answer("The object is new.", ObjectView, headers={"ETag": "Of the object."}),
}

# Callers are asked for their token by the handlers: the name on it is whose upload it is.
_operation = partial(operation, scope=SCOPE, enforce=False)

put_object = _operation(
    path=ObjectPath,
    answers={**_DONE, **_DROPPED},
    problems=(*_OBJECT_PROBLEMS, *_UPLOAD_PROBLEMS),
    body_type=ANY_TYPE,
    fields={
        **CONDITIONS,
        "Content-Type": "Kept with the object.",
        "Repr-Digest": "Digest of the bytes (RFC 9530); they are refused when it is another.",
        "Upload-Complete": "Makes the upload resumable (IETF draft).",
    },
)
delete_object = _operation(
    path=ObjectPath,
    answers={204: Answer("It is unpublished.")},
    problems=(BadKeyError, NotFoundError, PreconditionFailedError, UnavailableError),
    fields=CONDITIONS,
)
options = operation(answers={204: Answer("What is offered.", headers=_OFFERS)}, tag="uploads")
_upload = partial(_operation, tag="uploads")
create = _upload(
    answers={
        200: _DONE[200],
        201: Answer("Created; `Location` is the upload, or the object when that is all."),
        204: Answer("What is offered: the method was overridden."),
        **_DROPPED,
    },
    problems=(ForbiddenError, *_OBJECT_PROBLEMS, *_UPLOAD_PROBLEMS),
    body_type=ANY_TYPE,
    fields={**_SPEAKS, **_LENGTHS, **_BYTES, **_OVERRIDE, **CONDITIONS},
)
list_own = _upload(answers={200: Answer("A page.", UploadPage)}, problems=(UnavailableError,))
look = _upload(answers={200: Answer("The upload.", UploadView)}, problems=_FINDING, fields=_SPEAKS)
take_over = _upload(
    answers={200: Answer("How far it is, in the header fields.")},
    problems=(*_FINDING, ConflictError),
    fields=_SPEAKS,
)
append = _upload(
    answers={
        **_DONE,
        204: Answer("The bytes are kept.", headers=_OFFSET),
        **_DROPPED,
    },
    problems=(*_OBJECT_PROBLEMS, *_UPLOAD_PROBLEMS),
    body_type=ANY_TYPE,
    fields={**_SPEAKS, "Upload-Offset": "Where these bytes begin.", **_LENGTHS, **_BYTES},
)
cancel = _upload(
    answers={204: Answer("It is cancelled; an object that came of it stays.")},
    problems=(*_FINDING, ConflictError),
)
override = _upload(
    answers={
        **_DONE,
        204: Answer("As of the method that is meant."),
        405: Answer("None is meant, or none that there is.", None, PROBLEM_CONTENT_TYPE),
        **_DROPPED,
    },
    problems=(*_OBJECT_PROBLEMS, *_UPLOAD_PROBLEMS),
    body_type=ANY_TYPE,
    fields={**_OVERRIDE, **_SPEAKS, "Upload-Offset": "Where these bytes begin.", **_BYTES},
)
