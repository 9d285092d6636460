"""Prefix tables in CSV."""

from __future__ import annotations

import pytest

from cdnkit.errors import BadRequestError
from geo_router.prefix_files import merge_prefixes, read_prefixes

SITES = {"fra", "nyc"}


def test_a_table_is_read_with_heading_comments_and_blanks() -> None:
    lines = ["prefix,site", "# ours", "10.0.0.0/8, fra", "", '"2001:db8::/32",nyc  # lab']
    assert read_prefixes(lines, SITES) == {"10.0.0.0/8": "fra", "2001:db8::/32": "nyc"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["10.0.0.0/8"], "line 1: expected prefix,site"),
        (["10.0.0.0/8,fra,x"], "line 1: expected"),
        (["10.0.0.0/8,fra", "10.1/16,fra"], "line 2: '10.1/16' is no address prefix"),
        (["10.0.0.1/8,fra"], "line 1: .*host bits"),
        (["10.0.0.0/8,lon"], "line 1: no site is named 'lon'"),
        (["10.0.0.0/8,fra", "::ffff:10.0.0.0/104,fra"], "line 2: the same prefix as in line 1"),
        (["10.0.0.0/8,fra", "prefix,site"], "line 2: 'prefix'"),
    ],
)
def test_the_line_that_cannot_be_is_named(lines: list[str], message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        read_prefixes(lines, SITES)


def test_the_first_table_is_right_where_both_name_a_network() -> None:
    second = {"::ffff:10.0.0.0/104": "nyc", "10.1.0.0/16": "nyc"}
    assert merge_prefixes({"10.0.0.0/8": "fra"}, second) == {
        "10.0.0.0/8": "fra",
        "10.1.0.0/16": "nyc",
    }
