"""Heads of requests: any of them is read or refused, and what is read is what was said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError, CinedgeError, MediaTypeError, TooLargeError
from origin.resumable.draft import Dialect
from origin.resumable.errors import InconsistentLengthError, VersionError
from origin.resumable.heads import AppendHead, read_append, read_creation, read_put

TUS = {"tus-resumable": "1.0.0"}
BYTES = {**TUS, "content-type": "application/offset+octet-stream"}
DRAFT_TYPE = "application/partial-upload"
KEY = {"upload-metadata": "key YS5tcDQ="}
VALUES = st.sampled_from(
    [
        "", "0", "1", "-1", "10", "?0", "?1", "1.0.0", "0.2", "partial", "final;", "key YQ==",
        "final;/v1/uploads/abcdefgh", "application/offset+octet-stream", "sha1 AAAA",
        "application/partial-upload", "sha-256=:YQ==:", "batch YQ==,start MA==,total MQ==,key YQ==",
        "1" * 30, "\x00", "é",
    ]
) | st.text(max_size=30)  # fmt: skip
NAMES = st.sampled_from(
    [
        "tus-resumable", "upload-length", "upload-defer-length", "upload-offset", "upload-metadata",
        "upload-concat", "upload-checksum", "upload-complete", "content-type", "content-digest",
        "repr-digest", "if-match",
    ]
)  # fmt: skip


@given(st.dictionaries(NAMES, VALUES), st.none() | st.integers(0, 100))
@settings(max_examples=400)
def test_any_head_is_read_or_refused(fields: dict[str, str], content: int | None) -> None:
    for read in (
        lambda: read_append(fields, content),
        lambda: read_creation(fields, content, "studio"),
        lambda: read_put(fields, content, "studio", "a.mp4"),
    ):
        status = 200
        try:
            read()
        except CinedgeError as error:
            status = error.status
        assert 200 <= status < 500


def test_a_tus_upload_ends_with_its_length() -> None:
    head = read_append({**BYTES, "upload-offset": "4"}, 6)
    assert (head.dialect, head.offset, head.is_last) == (Dialect.TUS, 4, None)
    head.require_fit(10)
    head.require_fit(None)
    with pytest.raises(TooLargeError):
        head.require_fit(9)


def test_a_draft_upload_ends_when_it_says_so() -> None:
    fields = {"content-type": "application/partial-upload", "upload-offset": "4"}
    last = read_append({**fields, "upload-complete": "?1"}, 6)
    assert (last.length_bytes, last.is_last) == (10, True)
    for length in (9, 11):
        with pytest.raises(InconsistentLengthError):
            last.require_fit(length)
    more = read_append({**fields, "upload-complete": "?0"}, 6)
    assert (more.length_bytes, more.is_last) == (None, False)
    with pytest.raises(InconsistentLengthError):
        read_append({**fields, "upload-complete": "?1", "upload-length": "11"}, 6)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"content-type": "application/offset+octet-stream", "upload-offset": "0"}, VersionError),
        ({**TUS, "upload-offset": "0"}, MediaTypeError),
        (
            {**TUS, "upload-offset": "0", "content-type": "application/partial-upload"},
            MediaTypeError,
        ),
        (
            {"upload-complete": "?1", "upload-offset": "0", "content-type": "video/mp4"},
            MediaTypeError,
        ),
        ({**BYTES}, BadRequestError),
        ({"content-type": "application/partial-upload", "upload-offset": "0"}, BadRequestError),
    ],
)
def test_an_append_without_what_it_needs_is_refused(
    fields: dict[str, str], error: type[CinedgeError]
) -> None:
    with pytest.raises(error):
        read_append(fields, 1)


def test_creation_tells_where_the_object_will_be() -> None:
    head = read_creation({**TUS, **KEY, "upload-length": "7"}, 0, "studio")
    assert (head.wish.key, head.wish.length_bytes, head.first) == ("a.mp4", 7, None)
    with_bytes = read_creation({**BYTES, **KEY, "upload-length": "7"}, 3, "studio")
    assert isinstance(with_bytes.first, AppendHead)
    final = read_creation(
        {**TUS, **KEY, "upload-concat": "final;/v1/uploads/abcdefgh"}, 0, "studio"
    )
    assert final.parts == ("abcdefgh",)
