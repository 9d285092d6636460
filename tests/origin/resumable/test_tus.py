"""The fields of tus: what is read, what is refused, and that nothing else can happen."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from origin.resumable.tus import (
    CHECKSUMS,
    Checksum,
    Concat,
    format_metadata,
    is_upload_id,
    parse_checksum,
    parse_concat,
    parse_metadata,
    parse_number,
)

NAMES = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1
)


@given(st.dictionaries(NAMES, st.binary(max_size=60), max_size=6))
def test_metadata_is_read_as_it_was_written(values: dict[str, bytes]) -> None:
    assert parse_metadata(format_metadata(values)) == values


@given(st.text(max_size=200) | st.text("ab ,=YQ+/\t", max_size=60))
def test_any_metadata_is_read_or_refused(text: str) -> None:
    try:
        found = parse_metadata(text)
    except BadRequestError:
        return
    assert parse_metadata(format_metadata(found)) == found


@pytest.mark.parametrize(
    "text", ["a YQ==,a YQ==", "a YQ", "a ????", "a b c", ",", "ä YQ==", "a\tYQ=="]
)
def test_senseless_metadata_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_metadata(text)


@pytest.mark.parametrize("text", ["", "+1", "-1", " 1", "1 ", "1_0", "0x1", "1.0", "٣", "9" * 19])
def test_only_digits_are_a_number(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_number(text, "Upload-Offset")


@given(st.integers(0, 10**18 - 1))
def test_every_length_is_read(number: int) -> None:
    assert parse_number(str(number), "Upload-Length") == number


@pytest.mark.parametrize("algorithm", CHECKSUMS)
def test_checksums_are_read_in_their_length(algorithm: str) -> None:
    digest = CHECKSUMS[algorithm]().digest()
    text = f"{algorithm} {base64.b64encode(digest).decode()}"
    assert parse_checksum(text) == Checksum(algorithm, digest)
    with pytest.raises(BadRequestError):
        parse_checksum(f"{algorithm} {base64.b64encode(digest[1:]).decode()}")


def test_checksums_are_those_of_the_algorithms() -> None:
    running = CHECKSUMS["sha1"]()
    running.update(b"abc")
    assert running.digest() == hashlib.sha1(b"abc").digest()
    running = CHECKSUMS["crc32c"]()
    running.update(b"123456789")
    assert running.digest().hex() == "e3069283"


@given(st.text(max_size=100))
def test_any_checksum_is_read_or_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_checksum(text)


def test_concatenation_is_a_part_or_its_parts() -> None:
    assert parse_concat("partial") == Concat()
    urls = "final;/v1/uploads/first-part https://films.example/v1/uploads/other-part"
    assert parse_concat(urls) == Concat(("first-part", "other-part"))


@pytest.mark.parametrize(
    "text",
    [
        "final",
        "final;",
        "final; ",
        "partial;/v1/uploads/first-part",
        "final;/elsewhere/first-part",
        "final;/v1/uploads/../catalog",
        "final;/v1/uploads/first-part /v1/uploads/first-part",
        "final;" + " ".join(f"/v1/uploads/part-{n:05}" for n in range(1001)),
    ],
)
def test_senseless_concatenation_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_concat(text)


@given(st.text(max_size=100).map("final;{}".format) | st.text(max_size=100))
def test_any_concatenation_is_read_or_refused(text: str) -> None:
    try:
        found = parse_concat(text)
    except BadRequestError:
        return
    assert all(map(is_upload_id, found.parts))
