"""What titles look like on the wire and in the catalog: shapes, rules, texts. Pure.

A title is a JSON object of free form; `title` is required, `media` names the object to play.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema

from cdnkit.errors import BadRequestError, TooLargeError
from cdnkit.service.binding import DIGITS, check_shape
from cdnkit.service.bodies import parse_json
from cdnkit.service.operations import Shape
from cdnkit.service.paging import LIMIT_DEFAULT, PageOf, PrefixedPageQuery
from origin.catalog.records import TitleRow
from origin.merge_patch import MERGE_PATCH_TYPE as MERGE_PATCH_TYPE
from origin.merge_patch import merge_patch
from origin.object_views import ObjectKey
from origin.packaging.states import TitleState

BODY_BYTES_MAX: Final = 64 * 1024
PAGE_MAX: Final = 200
WRITE_SCOPE: Final = "upload"
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def parse_title_id(text: str) -> str:
    """Return `text` when it is a title id. Raises BadRequestError."""
    if _ID.fullmatch(text) is None:
        raise BadRequestError(
            "a title id has 1 to 64 characters of a-z, 0-9 and '-', and does not begin with '-'"
        )
    return text


def parse_state(text: str) -> str:
    """Return `text` when it is empty or the name of a state. Raises BadRequestError."""
    names = [each.value for each in TitleState]
    if text and text not in names:
        raise BadRequestError(f"'state' is one of {', '.join(names)}")
    return text


StateName = Annotated[
    str,
    AfterValidator(parse_state),
    WithJsonSchema({"enum": [each.value for each in TitleState]}),
]
TitleId = Annotated[
    str,
    AfterValidator(parse_title_id),
    WithJsonSchema({"type": "string", "pattern": f"^{_ID.pattern}$"}),
]


class TitlePath(Shape):
    """The path of one title."""

    id: TitleId


class TitleBody(Shape):
    """A title as it is saved; further members are kept as they are."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str = Field("", description="May be left out; the one in the path counts.")
    title: str = Field(pattern=r"\S")
    media: ObjectKey = Field(
        "", description="The key of the object to play, which must be stored already."
    )


class TitlePatch(Shape):
    """Members that replace those of the title; null removes (RFC 7396)."""

    model_config = ConfigDict(extra="allow", frozen=True)


class TitleView(TitleBody):
    """A title as it is answered."""

    id: str


class TitlesQuery(PrefixedPageQuery):
    """Which titles are listed."""

    limit: Annotated[int, Field(ge=1, le=PAGE_MAX), DIGITS] = LIMIT_DEFAULT
    state: StateName = Field("", description="Only titles that stand there on their way.")


class TitlePage(PageOf[TitleView]):
    """A part of the titles, in the order of their ids."""


def parse_title(data: bytes, title_id: str) -> dict[str, Any]:
    """The JSON object of a title, without its id. Raises BadRequestError, BadKeyError."""
    check_shape(data, TitleBody)
    body = parse_json(data)
    if body.pop("id", title_id) != title_id:
        raise BadRequestError("'id' in the body differs from the one in the path")
    return body


def patch_title(row: TitleRow, patch: bytes) -> dict[str, Any]:
    """The JSON object of a title after a merge patch, without its id.

    Raises BadRequestError and BadKeyError when what comes of it is no title, TooLargeError when it
    is too long.
    """
    check_shape(patch, TitlePatch)
    merged = format_body(merge_patch(json.loads(row.body), parse_json(patch)))
    if len(merged.encode()) > BODY_BYTES_MAX:
        raise TooLargeError(
            f"a title has at most {BODY_BYTES_MAX} bytes", limit_bytes=BODY_BYTES_MAX
        )
    return parse_title(merged.encode(), row.title_id)


def format_body(body: dict[str, Any]) -> str:
    """The text that is kept."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def format_title(row: TitleRow) -> str:
    """The JSON answer: the id in front of the saved members, of which there is at least one."""
    return f'{{"id":"{row.title_id}",{row.body[1:]}'
