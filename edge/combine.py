"""When an upstream's answer may be combined with blocks that are held already. Pure.

RFC 9111 3.4: same strong validator, same length, and exactly the range that was asked for.
"""

from __future__ import annotations

from cdnkit.errors import UpstreamError
from cdnkit.ranges import ContentRange, parse_content_range
from edge.entry import Entry, validators_of
from edge.http1.response import Framing, ResponseHead


class VersionChangedError(UpstreamError):
    """The upstream's validator is not the one of the blocks held: bytes must not be combined."""

    code = "version-changed"
    retryable = False


def check_part(entry: Entry, head: ResponseHead, start: int, stop: int) -> None:
    """See that an answer to a request for [start, stop) may be combined with the blocks held.

    Raises UpstreamError, VersionChangedError when the content is another by now.
    """
    if head.status not in (200, 206):
        if head.status in (404, 410, 412, 416):
            raise VersionChangedError("the upstream has no such bytes any more")
        raise UpstreamError(f"the upstream answered a range request with {head.status}")
    etag = head.fields.first(b"etag")
    if not entry.is_rangeable or etag is None or etag.decode("latin-1") != entry.validators.etag:
        raise VersionChangedError("the upstream has another version now")
    if head.status == 200:
        if head.framing is not Framing.LENGTH or head.content_length != entry.size_bytes:
            raise VersionChangedError("the upstream's content has another length now")
        return
    part = part_of(head)
    if part is None or (part.start, part.stop) != (start, stop):
        raise UpstreamError("the upstream answered with another range")
    if part.size_bytes != entry.size_bytes:
        raise VersionChangedError("the upstream's content has another length now")
    if not _is_consistent(head, part):
        raise UpstreamError("the upstream's range and length differ")


def is_same_head(entry: Entry, head: ResponseHead) -> bool:
    """Does the answer to a HEAD speak of what is held (RFC 9111 4.3.5)?"""
    if head.status != entry.head.status or validators_of(head.fields) != entry.validators:
        return False
    length = head.fields.first(b"content-length")
    return length is None or length == b"%d" % entry.size_bytes


def part_of(head: ResponseHead) -> ContentRange | None:
    """The part a 206 says it is, None when it does not say so clearly."""
    lines = head.fields.lines(b"content-range")
    return parse_content_range(lines[0].decode("latin-1")) if len(lines) == 1 else None


def is_what_was_asked(head: ResponseHead, part: ContentRange, asked: tuple[int, int]) -> bool:
    """Blocks are filled from their beginning: another part, though legal, is of no use."""
    if part.size_bytes is None or not _is_consistent(head, part):
        return False
    return (part.start, part.stop) == (asked[0], min(asked[1], part.size_bytes))


def _is_consistent(head: ResponseHead, part: ContentRange) -> bool:
    return head.framing is not Framing.LENGTH or head.content_length == part.stop - part.start
