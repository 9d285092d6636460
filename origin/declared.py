"""What reading objects takes and answers, for the description of the API."""

from __future__ import annotations

from typing import Final

from cdnkit.errors import (
    BadKeyError,
    NotFoundError,
    PreconditionFailedError,
    UnavailableError,
)
from cdnkit.service.operations import ANY_TYPE, Answer, operation
from cdnkit.service.paging import PrefixedPageQuery
from cdnkit.wire import GENERATION_HEADER
from origin.object_views import ObjectPage, ObjectPath
from origin.reply import RangeNotSatisfiableError
from origin.requests import CONDITIONS

_VERSION: Final = {
    "ETag": "Names this version of the bytes.",
    GENERATION_HEADER: "Grows whenever the bytes of the key change.",
}
_READS: Final = {
    **CONDITIONS,
    "Range": "Parts of the object (RFC 9110 14).",
    "If-Range": "Ranges of this version only, else the whole.",
    "Want-Repr-Digest": "Asks for the digest of the whole (RFC 9530).",
}


class ObjectsQuery(PrefixedPageQuery):
    """Which objects are listed."""


read_object = operation(
    answers={
        200: Answer("The whole object.", content_type=ANY_TYPE, headers=_VERSION),
        206: Answer("The ranges asked for.", content_type=ANY_TYPE, headers=_VERSION),
        304: Answer("It is what the client has.", headers=_VERSION),
    },
    problems=(
        BadKeyError,
        NotFoundError,
        PreconditionFailedError,
        RangeNotSatisfiableError,
        UnavailableError,
    ),
    path=ObjectPath,
    fields=_READS,
)
list_objects = operation(answers={200: Answer("A page.", ObjectPage)})
