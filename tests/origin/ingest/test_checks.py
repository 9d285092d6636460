"""What is asked of an upload before its first byte, and in which order."""

from __future__ import annotations

import pytest

from cdnkit.errors import (
    BadRequestError,
    CinedgeError,
    PreconditionFailedError,
    TooLargeError,
)
from origin.catalog.records import ObjectRow
from origin.ingest.checks import UploadHead, announced_digests, content_type_of, run_checks

ROW = ObjectRow("a", 1, 1, 5, 65536, "video/mp4", "00" * 32, '"1-00"', 1_800_000_000.5)


def head(length_bytes: int | None = 5, **fields: str) -> UploadHead:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return UploadHead("PUT", named, length_bytes, 10)


@pytest.mark.parametrize(
    ("given", "current", "refusal"),
    [
        (head(10), None, None),
        (head(None), None, None),
        (head(11), None, TooLargeError),
        (head(11, if_match="*"), None, TooLargeError),
        (head(if_match="*"), None, PreconditionFailedError),
        (head(if_match="*"), ROW, None),
        (head(if_match='"1-00"'), ROW, None),
        (head(if_match='W/"1-00"'), ROW, PreconditionFailedError),
        (head(if_none_match="*"), ROW, PreconditionFailedError),
        (head(if_none_match="*"), None, None),
        (head(if_match="*", content_type="x"), None, PreconditionFailedError),
        (head(content_type="x"), None, BadRequestError),
        (head(content_type="video/mp4; codecs=avc1"), None, None),
        (head(content_type="video/é"), None, BadRequestError),
        (head(content_type="a/" + "b" * 300), None, BadRequestError),
        (head(content_range="bytes 0-1/5"), None, BadRequestError),
        (head(content_encoding="gzip"), None, BadRequestError),
        (head(content_encoding="Identity"), None, None),
        (head(repr_digest="sha-256=:AAAA:"), None, BadRequestError),
        (head(repr_digest="unknown=:AAAA:"), None, None),
    ],
)
def test_head_is_refused_for_the_first_reason(
    given: UploadHead, current: ObjectRow | None, refusal: type[CinedgeError] | None
) -> None:
    if refusal is None:
        run_checks(given, current)
    else:
        with pytest.raises(refusal):
            run_checks(given, current)


def test_type_is_octet_stream_when_nothing_is_said() -> None:
    assert content_type_of(head()) == "application/octet-stream"


def test_both_digest_fields_count() -> None:
    fields = head(repr_digest="sha-256=:" + "A" * 43 + "=:", content_digest="a=:AAAA:")
    assert announced_digests(fields) == [{"sha-256": bytes(32)}, {"a": bytes(3)}]
