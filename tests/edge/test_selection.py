"""What a request selects of an entry: RFC 9110 13.2.2's order, and the bytes it comes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.dates import format_http_date
from cdnkit.ranges import (
    Multi,
    Single,
    Unsatisfiable,
    Whole,
    parse_content_range,
    plan_ranges,
)
from edge.entry import EVICTED, HELD, UNVERIFIED
from edge.growing import Growing
from edge.selection import (
    Everything,
    Failed,
    NotModified,
    OutOfRange,
    Part,
    Parts,
    Selection,
    first_wanted,
    intervals_of,
    is_servable,
    select,
)
from tests.edge.made import BLOCK, STRONG, WEAK, a_request, an_entry

SIZE = 1000
MODIFIED = 1_000_000
DATED = (b"last-modified", format_http_date(MODIFIED).encode())
RECEIVED = (b"date", format_http_date(MODIFIED + 3600).encode())
BEFORE, AFTER = format_http_date(MODIFIED - 1), format_http_date(MODIFIED)

places = st.integers(0, 2 * SIZE)
specs = st.one_of(
    st.tuples(places, places).map(lambda pair: f"{min(pair)}-{max(pair)}"),
    places.map(lambda first: f"{first}-"),
    places.map(lambda last: f"-{last}"),
)
headers = st.one_of(
    st.lists(specs, min_size=1, max_size=6).map(lambda found: "bytes=" + ",".join(found)),
    st.sampled_from(["bytes=5-2", "bites=0-1", "bytes=a-b", "bytes="]),
)
sizes = st.integers(0, SIZE)


@given(headers, sizes)
def test_a_range_selects_the_intervals_the_range_engine_names(header: str, size: int) -> None:
    selection = select(a_request(f"Range: {header}"), an_entry(size))
    match plan_ranges(header, size):
        case Whole():
            assert selection == Everything(size)
        case Unsatisfiable():
            assert selection == OutOfRange(f"bytes */{size}")
        case Single(start, stop):
            assert isinstance(selection, Part)
            assert intervals_of(selection) == [(start, stop)]
            said = parse_content_range(selection.content_range)
            assert said is not None
            assert (said.start, said.stop, said.size_bytes) == (start, stop, size)
        case Multi(parts):
            assert selection == Parts(parts)


@given(headers, sizes)
def test_no_byte_outside_the_content_is_ever_selected(header: str, size: int) -> None:
    selection = select(a_request(f"Range: {header}"), an_entry(size))
    for start, stop in intervals_of(selection):
        assert 0 <= start <= stop <= size
        assert start < stop or not size


@given(headers, st.sampled_from(["HEAD"]), st.sampled_from([200, 404]))
def test_a_range_counts_for_get_of_a_200_alone(header: str, method: str, status: int) -> None:
    entry = an_entry(SIZE, status=status)
    assert select(a_request(f"Range: {header}", method=method), entry) == Everything(SIZE)
    if status != 200:
        assert select(a_request(f"Range: {header}"), entry) == Everything(SIZE)


def kind(selection: Selection) -> str:
    return type(selection).__name__


CONDITIONS: list[tuple[tuple[str, ...], str]] = [
    (('If-None-Match: "x"',), "NotModified"),
    (('If-None-Match: W/"x"',), "NotModified"),
    (("If-None-Match: *",), "NotModified"),
    (('If-None-Match: "y"',), "Everything"),
    ((f"If-Modified-Since: {AFTER}",), "NotModified"),
    ((f"If-Modified-Since: {BEFORE}",), "Everything"),
    (('If-None-Match: "y"', f"If-Modified-Since: {AFTER}"), "Everything"),
    (('If-Match: "y"',), "Failed"),
    (('If-Match: W/"x"',), "Failed"),
    (('If-Match: "y", "x"',), "Everything"),
    ((f"If-Unmodified-Since: {BEFORE}",), "Failed"),
    (('If-Match: "x"', f"If-Unmodified-Since: {BEFORE}"), "Everything"),
    (('If-Match: "y"', 'If-None-Match: "x"'), "Failed"),
    (('If-None-Match: "x"', "Range: bytes=0-1"), "NotModified"),
    (('If-Match: "y"', "Range: bytes=0-1"), "Failed"),
    (('If-Match: "x"', "Range: bytes=0-1"), "Part"),
    (('If-Range: "x"', "Range: bytes=0-1"), "Part"),
    (('If-Range: "y"', "Range: bytes=0-1"), "Everything"),
    (('If-Range: W/"x"', "Range: bytes=0-1"), "Everything"),
    ((f"If-Range: {AFTER}", "Range: bytes=0-1"), "Part"),
    ((f"If-Range: {BEFORE}", "Range: bytes=0-1"), "Everything"),
    (('If-Range: "y"', "Range: bytes=5000-"), "Everything"),
    (("Range: bytes=5000-",), "OutOfRange"),
    (('If-None-Match: "y"', "Range: bytes=5000-"), "OutOfRange"),
]


@pytest.mark.parametrize(("lines", "selected"), CONDITIONS)
def test_conditions_come_before_ranges(lines: tuple[str, ...], selected: str) -> None:
    entry = an_entry(SIZE, (STRONG, DATED, RECEIVED))
    assert kind(select(a_request(*lines), entry)) == selected


def test_conditions_mean_nothing_to_a_stored_failure() -> None:
    entry = an_entry(SIZE, (STRONG,), status=404)
    assert select(a_request('If-None-Match: "x"', 'If-Match: "y"'), entry) == Everything(SIZE)


def test_a_date_without_the_moment_of_receipt_is_no_strong_validator_for_a_range() -> None:
    request = a_request(f"If-Range: {AFTER}", "Range: bytes=0-1")
    assert kind(select(request, an_entry(SIZE, (DATED,)))) == "Everything"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", None),
        ("bytes=0-9", (0, 10)),
        ("bytes=500-", (500, None)),
        ("bytes=-5", (0, 1)),
        ("bytes=700-800, 20-29", (20, 30)),
        ("bytes=-5, 20-29", (20, 30)),
        ("lines=1-2", None),
        ("bytes=9-1", None),
    ],
)
def test_a_viewer_of_unknown_content_begins_where_its_first_range_does(
    header: str, wanted: tuple[int, int | None] | None
) -> None:
    assert first_wanted(a_request(*([f"Range: {header}"] if header else []))) == wanted


@given(headers)
def test_what_is_wanted_first_is_where_the_content_selected_begins(header: str) -> None:
    wanted = first_wanted(a_request(f"Range: {header}"))
    selected = intervals_of(select(a_request(f"Range: {header}"), an_entry(4 * SIZE)))
    if wanted is None:
        assert selected == [(0, 4 * SIZE)]
    elif "-" not in {spec[:1] for spec in header.removeprefix("bytes=").split(",")}:
        assert wanted[0] == min(start for start, _ in selected)


def test_an_entry_that_cannot_ask_for_parts_serves_what_is_at_hand_only() -> None:
    entry = an_entry(10 * BLOCK, (WEAK,))
    entry.present[2] = HELD
    entry.present[3] = UNVERIFIED
    entry.growing[4] = Growing(entry, 4)
    entry.present[6] = EVICTED
    assert is_servable(entry, Part(200, 500, ""))
    assert not is_servable(entry, Part(199, 500, ""))
    assert not is_servable(entry, Part(200, 501, ""))
    assert not is_servable(entry, Parts(((200, 250), (600, 601))))
    assert is_servable(entry, Parts(((200, 250), (300, 499))))
    assert not is_servable(entry, Everything(10 * BLOCK))
    entry.present[:] = bytes([HELD] * 10)
    assert entry.is_complete
    assert is_servable(entry, Everything(10 * BLOCK))
    assert is_servable(an_entry(10 * BLOCK), Everything(10 * BLOCK))


@pytest.mark.parametrize("selection", [NotModified(), Failed(), OutOfRange("bytes */9")])
def test_an_answer_without_content_needs_no_block(selection: Selection) -> None:
    entry = an_entry(10 * BLOCK, (WEAK,))
    assert intervals_of(selection) == []
    assert is_servable(entry, selection)


def test_an_empty_content_is_servable_without_blocks() -> None:
    assert is_servable(an_entry(0, ()), Everything(0))
