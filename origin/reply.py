"""What is answered to a GET or HEAD of a stored object: status, fields, and which bytes. Pure.

In the order of RFC 9110 13.2.2: conditions, then ranges. Two ways lead to a socket
(`origin.deliver` and `origin.lane`), and both ask here. Repr-Digest goes with every answer that has
a body: it costs less than varying on Want-Repr-Digest (RFC 9530 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias

from cdnkit.dates import format_http_date
from cdnkit.digests import format_digest_field
from cdnkit.errors import CinedgeError, Fault, PreconditionFailedError
from cdnkit.ranges import (
    Multi,
    RangePlan,
    Single,
    Unsatisfiable,
    Whole,
    format_content_range,
    format_unsatisfied_range,
    lay_out_multipart,
    plan_ranges,
)
from cdnkit.validators import Validators, Verdict, evaluate, range_applies

Interval: TypeAlias = tuple[int, int]

BODYLESS_METHOD: Final = "HEAD"


class RangeNotSatisfiableError(CinedgeError):
    """No byte of the object was asked for (RFC 9110 15.5.17)."""

    status: ClassVar[int] = 416
    code: ClassVar[str] = "range-not-satisfiable"
    fault: ClassVar[Fault] = Fault.CLIENT

    def __init__(self, size_bytes: int, fields: Mapping[str, str]) -> None:
        super().__init__(f"the object has {size_bytes} bytes")
        self._fields = {**fields, "Content-Range": format_unsatisfied_range(size_bytes)}

    def headers(self) -> dict[str, str]:
        """Content-Range with the length, and what else the answer carries."""
        return self._fields


@dataclass(frozen=True, slots=True)
class Said:
    """What every answer says of one object: `bare` in a 304 or 416, `full` beside its bytes.

    The lines are the same fields as they go over the wire.
    """

    size_bytes: int
    content_type: str
    validators: Validators
    bare: Mapping[str, str]
    full: Mapping[str, str]
    bare_lines: bytes
    full_lines: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `fields` go with `more`, whose names win; `length` is None without content.

    `lines` are `fields` as they go over the wire; `segments` are literal bytes, and intervals of
    the object.
    """

    status: int
    fields: Mapping[str, str]
    lines: bytes
    more: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    segments: Sequence[bytes | Interval] = ()


def say(
    size_bytes: int,
    content_type: str,
    validators: Validators,
    cache_control: str,
    digest: bytes | None,
    extra: Mapping[str, str] | None = None,
) -> Said:
    """The fields of an object; `digest` is its SHA-256."""
    bare = {"Cache-Control": cache_control, **(extra or {})}
    if validators.etag is not None:
        bare["ETag"] = validators.etag
    if validators.last_modified is not None:
        bare["Last-Modified"] = format_http_date(validators.last_modified)
    full = {**bare, "Accept-Ranges": "bytes"}
    if digest is not None:
        full["Repr-Digest"] = format_digest_field({"sha-256": digest})
    full["Content-Type"] = content_type
    return Said(
        size_bytes, content_type, validators, bare, full, format_lines(bare), format_lines(full)
    )


def format_lines(fields: Mapping[str, str]) -> bytes:
    """Fields as they go over the wire (RFC 9112 5)."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin-1")


def plan_reply(
    method: str, asked: Mapping[str, str], said: Said, boundary: Callable[[], str]
) -> Reply:
    """The answer to a request with the fields `asked` (lower-case names).

    `boundary` makes one for several ranges. Raises PreconditionFailedError,
    RangeNotSatisfiableError.
    """
    verdict = evaluate(method, asked, said.validators)
    if verdict is Verdict.FAILED:
        raise PreconditionFailedError("the object is not the one that the conditions name")
    if verdict is Verdict.NOT_MODIFIED:
        return Reply(304, said.bare, said.bare_lines)
    plan = _plan(method, asked, said)
    size_bytes = said.size_bytes
    match plan:
        case Unsatisfiable():
            fields = {**said.bare, "Accept-Ranges": "bytes"}
            raise RangeNotSatisfiableError(size_bytes, fields)
        case Whole():
            segments = () if method == BODYLESS_METHOD else ((0, size_bytes),)
            return Reply(200, said.full, said.full_lines, {}, size_bytes, segments)
        case Single(start, stop):
            more = {"Content-Range": format_content_range(start, stop, size_bytes)}
            return Reply(206, said.full, said.full_lines, more, stop - start, ((start, stop),))
        case Multi(parts):
            layout = lay_out_multipart(parts, size_bytes, said.content_type, boundary())
            more = {"Content-Type": layout.content_type}
            length, pieces = layout.content_length, layout.segments
            return Reply(206, said.full, said.full_lines, more, length, pieces)


def _plan(method: str, asked: Mapping[str, str], said: Said) -> RangePlan:
    """Range counts for GET alone, and only if If-Range agrees (RFC 9110 14.2, 13.1.5)."""
    if (
        method == BODYLESS_METHOD
        or "range" not in asked
        or not range_applies(asked.get("if-range"), said.validators, None)
    ):
        return Whole()
    return plan_ranges(asked["range"], said.size_bytes)
