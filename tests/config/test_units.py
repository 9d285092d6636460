"""Claims about sizes, durations, addresses, URLs and names as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.topology import Address
from config.units import (
    UnitError,
    format_duration,
    format_size,
    parse_address,
    parse_duration,
    parse_name,
    parse_size,
    parse_url,
)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("4096", 4096),
        ("64KiB", 65536),
        ("64 kib", 65536),
        ("10GiB", 10 << 30),
        ("1.5TB", 1_500_000_000_000),
        ("1.5KiB", 1536),
        ("7B", 7),
    ],
)
def test_size_is_read_in_the_unit_it_is_written_in(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1_0", "0x10", "1G", "1 GiB ", "1e3", "٣", "0.3", "KiB", "1" * 30]
)
def test_size_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("2s", 2), ("2", 2), ("5m", 300), ("1h", 3600), ("7d", 604800), ("0", 0)],
)
def test_duration_is_read_in_the_unit_it_is_written_in(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "-1s", "1M", "1min", "1h30m", "1e3", "inf", "nan", "٣s"])
def test_duration_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        parse_duration(text)


@given(st.integers(0, 10**18 - 1))
def test_every_size_reads_back_as_it_was_written(size_bytes: int) -> None:
    assert parse_size(format_size(size_bytes)) == size_bytes


@given(st.floats(1e-3, 1e12) | st.integers(0, 10**9).map(float) | st.just(0.0))
def test_every_duration_reads_back_as_it_was_written(seconds: float) -> None:
    exact = float(f"{seconds:.15f}")
    assert parse_duration(format_duration(exact)) == exact


@pytest.mark.parametrize("size", [(65536, "64KiB"), (1, "1"), (0, "0"), (3 << 30, "3GiB")])
def test_size_is_written_in_its_largest_exact_unit(size: tuple[int, str]) -> None:
    assert format_size(size[0]) == size[1]


@given(
    st.ip_addresses().map(str) | st.sampled_from(["localhost", "edge-1.example", "a_b"]),
    st.integers(0, 65535),
)
def test_every_address_reads_back_as_it_was_written(host: str, port: int) -> None:
    address = Address(host, port)
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", ":", "a:", "[::1]", "::1:80", "a:1:2", "-a:1", "a:٣", "1.2.3:4"]
)
def test_address_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        parse_address(text)


@pytest.mark.parametrize("text", ["http://a", "https://[::1]:8000/b/", "http://10.0.0.1:80"])
def test_url_is_returned_unchanged(text: str) -> None:
    assert parse_url(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "http:a",
        "http://",
        "http://u@a",
        "http://a?",
        "http://a/#",
        "http://a b",
        "http://[x]",
    ]
    + ["http://a:x", "http://a:0", "file:///a", "http://ä", "http://a\n", "http://" + "a" * 3000],
)
def test_url_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(UnitError) as refused:
        parse_url(text)
    assert "u@" not in refused.value.message


@given(st.text(max_size=70))
def test_name_holds_only_what_is_safe_everywhere(text: str) -> None:
    safe = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    allowed = 1 <= len(text) <= 63 and set(text) <= safe and text[0] not in "._-"
    if allowed:
        assert parse_name(text) == text
    else:
        with pytest.raises(UnitError):
            parse_name(text)
