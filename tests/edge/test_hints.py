from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cmcd import Cmcd
from edge.hints import HINT_BYTES_MAX, Hint, hint_of

TARGET = b"/films/a/video/seg1.m4s?x=1"


@pytest.mark.parametrize(
    ("named", "target"),
    [
        ("seg2.m4s", b"/films/a/video/seg2.m4s"),
        ("./seg2.m4s", b"/films/a/video/seg2.m4s"),
        ("low%2Fseg2.m4s", b"/films/a/video/low/seg2.m4s"),
        ("low/seg2.m4s", b"/films/a/video/low/seg2.m4s"),
        ("a%2520b.m4s", b"/films/a/video/a%20b.m4s"),
        ("..seg", b"/films/a/video/..seg"),
    ],
)
def test_what_is_named_lies_beside_the_request_or_below(named: str, target: bytes) -> None:
    assert hint_of(TARGET, Cmcd(next_object=named)) == Hint(target, 0, HINT_BYTES_MAX)


@pytest.mark.parametrize(
    "named",
    [
        "../seg2.m4s",
        "..%2Fseg2.m4s",
        "%2E%2E/seg2.m4s",
        "%252E%252E/seg2.m4s",
        "low/../../seg2.m4s",
        "low/..",
        "..;/x",
        ".",
        "/films/b/seg2.m4s",
        "%2Ffilms%2Fb",
        "//host/x",
        "http://host/x",
        "http%3A%2F%2Fhost%2Fx",
        "a\\b",
        "a%5Cb",
        "a%255cb",
        "a%2500",
        "a%00",
        "a%0D%0Ab",
        "a b",
        "a%",
        "seg2.m4s?token=x",
        "x" * 1025,
        "sägen",
    ],
)
def test_what_lies_elsewhere_or_could_mean_two_things_is_no_hint(named: str) -> None:
    assert hint_of(TARGET, Cmcd(next_object=named)) is None


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("10-19", (10, 20)),
        ("bytes=10-19", (10, 20)),
        ("10-", (10, 10 + HINT_BYTES_MAX)),
        ("0-99999999999", (0, HINT_BYTES_MAX)),
        ("19-10", None),
        ("-10", None),
        ("1-2,4-5", None),
        ("x", None),
        ("1" * 16 + "-", None),
    ],
)
def test_a_range_is_one_interval_and_bounded(said: str, part: tuple[int, int] | None) -> None:
    found = hint_of(TARGET, Cmcd(next_object="b", next_range=said))
    assert found == (None if part is None else Hint(b"/films/a/video/b", *part))


def test_a_range_alone_is_of_the_same_object() -> None:
    assert hint_of(TARGET, Cmcd(next_range="10-19")) == Hint(TARGET, 10, 20)


def test_nothing_said_is_nothing() -> None:
    assert hint_of(TARGET, Cmcd(bitrate=5)) is None


PIECES = st.sampled_from(
    ["..", ".", "/", "%2e", "%2F", "%25", "\\", "a", ":", "?", ";", "%00", "é"]
)


@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=30), st.text(max_size=12))
def test_whatever_is_said_stays_inside_and_bounded(named: str, part: str) -> None:
    found = hint_of(TARGET, Cmcd(next_object=named, next_range=part))
    if found is not None and found.target != TARGET:
        path = found.target.removeprefix(b"/films/a/video/")
        assert path != found.target
        assert not {b"", b".", b".."} & set(path.removesuffix(b"/").split(b"/"))
        assert not set(b"\\\r\n \0?#:") & set(path)
        assert 0 < found.stop - found.start <= HINT_BYTES_MAX
