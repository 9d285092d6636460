from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.digests import (
    HASHES,
    DigestCheck,
    choose_algorithm,
    format_digest_field,
    parse_digest_field,
)
from cdnkit.errors import BadRequestError, DigestMismatchError

# RFC 9530 appendix B.1: {"hello": "world"} and a line feed.
EXAMPLE = b'{"hello": "world"}\n'
EXAMPLE_FIELD = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


def test_example_of_the_standard_is_read_and_verified() -> None:
    digests = parse_digest_field(EXAMPLE_FIELD)
    assert digests == {"sha-256": hashlib.sha256(EXAMPLE).digest()}
    assert format_digest_field(digests) == EXAMPLE_FIELD
    check = DigestCheck(digests)
    check.update(EXAMPLE)
    assert check.finish() == ("sha-256",)


def test_unknown_and_unsafe_algorithms_are_kept_and_prove_nothing() -> None:
    digests = parse_digest_field("md5=:AAAA:, unixsum=:AA==:, new-1=::;p=1")
    assert digests == {"md5": b"\0\0\0", "unixsum": b"\0", "new-1": b""}
    check = DigestCheck(digests)
    check.update(b"anything")
    assert check.finish() == ()


def test_last_of_equal_names_counts() -> None:
    assert parse_digest_field("x=:AA==:, x=:AQ==:") == {"x": b"\1"}


def test_empty_field_announces_nothing() -> None:
    assert parse_digest_field("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "sha-256",
        "sha-256=",
        "sha-256=abc",
        'sha-256="RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="',
        "sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=",
        "sha-256=:RK/0:",
        "sha-512=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        "sha-256=::",
        "sha-256=(:AAAA:)",
        "SHA-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        "md5=:!!!:",
        "md5=:AAAA:,",
        "md5=5",
        "md5=:AAAA: x",
        "é=:AAAA:",
        ",",
    ],
)
def test_malformed_field_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_digest_field(text)


@pytest.mark.parametrize("name", ["SHA-256", "", "a b", "1a", "é"])
def test_name_that_is_no_key_is_not_written(name: str) -> None:
    with pytest.raises(BadRequestError):
        format_digest_field({name: b"x"})


def test_no_digests_are_no_field() -> None:
    with pytest.raises(BadRequestError):
        format_digest_field({})


names = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True).filter(lambda n: n not in HASHES)


@given(st.dictionaries(names, st.binary(), min_size=1), st.binary())
def test_digests_survive_writing_and_reading(digests: dict[str, bytes], content: bytes) -> None:
    digests = {**digests, "sha-512": hashlib.sha512(content).digest()}
    assert parse_digest_field(format_digest_field(digests)) == digests


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    for field in (text, f"sha-256=:{text}:", f"sha-256={text}"):
        try:
            parse_digest_field(field)
        except BadRequestError:
            pass
        choose_algorithm(field)


@given(st.lists(st.binary(max_size=64), max_size=8), st.integers(0))
def test_pieces_are_checked_as_one_and_one_bit_is_noticed(pieces: list[bytes], bit: int) -> None:
    content = b"".join(pieces)
    announced = {name: hashlib.new(name, content).digest() for name in HASHES}
    check = DigestCheck(announced)
    for piece in pieces:
        check.update(memoryview(piece))
    assert check.finish() == tuple(HASHES)
    if content:
        damaged = bytearray(content)
        damaged[bit // 8 % len(content)] ^= 1 << bit % 8
        check = DigestCheck(announced)
        check.update(damaged)
        with pytest.raises(DigestMismatchError, match="sha-256") as caught:
            check.finish()
        assert caught.value.extra["algorithm"] == "sha-256"


@pytest.mark.parametrize(
    ("want", "chosen"),
    [
        (None, None),
        ("", None),
        ("sha-256=1", "sha-256"),
        ("sha-512=3, sha-256=10, unixsum=0", "sha-256"),
        ("sha-512=3, sha-256=1", "sha-512"),
        ("sha-512=5, sha-256=5", "sha-256"),
        ("sha-256=0", None),
        ("sha-256=0, sha-512=1", "sha-512"),
        ("md5=10", None),
        ("md5=10, sha-256=1;p", "sha-256"),
        ("sha-256=11", None),
        ("sha-256=-1", None),
        ("sha-256", None),
        ("sha-256=1.0", None),
        ('sha-256="1"', None),
        ("sha-256=(1)", None),
        ("sha-256=1,", None),
        ("SHA-256=1", None),
    ],
)
def test_wish_chooses_the_best_liked_of_our_algorithms(
    want: str | None, chosen: str | None
) -> None:
    assert choose_algorithm(want) == chosen
