"""Rules on URLs: parts, ways of matching, and that no expression costs more than a bound."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.tokens.uris import URL_LENGTH_MAX, Match, Part, Rule, admits_url, is_bounded, part_of

URL = "https://CDN.example:8443/films/a.b/seg-1.m4s?q=1"


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Part.WHOLE, URL),
        (Part.SCHEME, "https"),
        (Part.HOST, "cdn.example"),
        (Part.PORT, "8443"),
        (Part.PATH, "/films/a.b/seg-1.m4s"),
        (Part.QUERY, "q=1"),
        (Part.PARENT_PATH, "/films/a.b"),
        (Part.FILE_NAME, "seg-1.m4s"),
        (Part.STEM, "seg-1"),
        (Part.EXTENSION, ".m4s"),
    ],
)
def test_a_url_has_parts(part: Part, text: str) -> None:
    assert part_of(URL, part) == text


@pytest.mark.parametrize(
    ("url", "part", "text"),
    [
        ("http://a/x", Part.PORT, "80"),
        ("https://a/x", Part.PORT, "443"),
        ("http://[2001:db8::1]/x", Part.HOST, "[2001:db8::1]"),
        ("http://[2001:db8::1]:81/x", Part.PORT, "81"),
        ("http://a/.x", Part.STEM, ".x"),
        ("http://a/x", Part.EXTENSION, ""),
        ("http://a/x#y", Part.PATH, "/x#y"),
    ],
)
def test_parts_that_are_not_written_have_their_default(url: str, part: Part, text: str) -> None:
    assert part_of(url, part) == text


@pytest.mark.parametrize(
    ("match", "value", "admits"),
    [
        (Match.EXACT, "/films/a.b/seg-1.m4s", True),
        (Match.EXACT, "/films/a.b/seg-1", False),
        (Match.PREFIX, "/films/", True),
        (Match.PREFIX, "films/", False),
        (Match.SUFFIX, ".m4s", True),
        (Match.SUFFIX, ".mp4", False),
        (Match.CONTAINS, "a.b", True),
        (Match.CONTAINS, "a-b", False),
        (Match.REGEX, r"/films/[a-z.]+/seg-[0-9]+\.m4s", True),
        (Match.REGEX, r"/films/", False),
        (Match.REGEX, r"(", False),
        (Match.SHA256, hashlib.sha256(b"/films/a.b/seg-1.m4s").hexdigest(), True),
        (Match.SHA256, hashlib.sha256(b"/films/").hexdigest(), False),
        (Match.SHA512_256, hashlib.new("sha512_256", b"/films/a.b/seg-1.m4s").hexdigest(), True),
    ],
)
def test_rules_match_in_seven_ways(match: Match, value: str, admits: bool) -> None:
    assert admits_url([Rule(Part.PATH, match, value)], URL) is admits


def test_all_rules_have_to_fit() -> None:
    rules = [Rule(Part.HOST, Match.SUFFIX, ".example"), Rule(Part.EXTENSION, Match.EXACT, ".m4s")]
    assert admits_url(rules, URL)
    assert not admits_url(rules, URL.replace("m4s", "mp4"))


def test_a_url_beyond_the_bound_fits_nothing() -> None:
    rule = Rule(Part.SCHEME, Match.EXACT, "http")
    url = "http://a/".ljust(URL_LENGTH_MAX, "x")
    assert admits_url([rule], url)
    assert not admits_url([rule], url + "x")


@pytest.mark.parametrize(
    "pattern",
    [
        r"http://cdni\.example/foo/bar/[0-9]{3}\.png",
        r"https?://cdn\.example/films/.*",
        r"http://(a|b)\.example/.*\.ts",
        r"[^+*?]+",
        r"[]a]+",
        "",
    ],
)
def test_expressions_of_posix_are_taken(pattern: str) -> None:
    assert is_bounded(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|a)*b", "(a?){9}", ".*.*.*", "a?a?a?a?a?a?a?", "(?=a)", r"(a)\1", r"\d"]
    + ["[[:alpha:]]", "(", "a**", "a*?", "a{1,999}b{1,999}c*", "a" * 513],
)
def test_expressions_that_cost_or_mean_something_else_are_not(pattern: str) -> None:
    assert not is_bounded(pattern)


@given(st.text(alphabet="ab()[]{}?*+|\\.^$-0129,:", max_size=40))
def test_any_expression_is_judged(pattern: str) -> None:
    assert is_bounded(pattern) in (True, False)


def test_the_dearest_expression_stays_within_its_bound() -> None:
    """Two repeats over the longest URL: four million steps, and not more by any viewer's doing."""
    rule = Rule(Part.WHOLE, Match.REGEX, "http://a/x*x*b")
    assert is_bounded(rule.value)
    began_at = time.process_time()
    assert not admits_url([rule], "http://a/".ljust(URL_LENGTH_MAX, "x"))
    assert time.process_time() - began_at < 2.0
