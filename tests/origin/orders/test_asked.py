"""What may be asked of edges, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from cdnkit.errors import BadRequestError
from origin.orders.asked import Part, Things, Where, parse_pin, parse_purge, parse_warm


def test_a_purge_names_things_of_every_kind() -> None:
    asked = parse_purge(
        {"title": "t", "object": ["a/b", "/x?y=1"], "prefix": "films/", "tag": ["n", "n"]}
    )
    assert asked.things == Things(("t",), ("a/b", "/x?y=1"), ("films/",), ("n",))
    assert not asked.soft
    everything = parse_purge({"all": True, "mode": "soft", "refresh_per_second": 5})
    assert everything.things == Things(everything=True)
    assert (everything.soft, everything.refresh_per_second) == (True, 5.0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": False},
        {"all": "yes"},
        {"all": True, "tag": "x"},
        {"object": "../x"},
        {"object": []},
        {"object": [1]},
        {"object": "/a b"},
        {"prefix": ""},
        {"prefix": "/"},
        {"tag": "a b"},
        {"tag": "x", "mode": "gentle"},
        {"tag": "x", "refresh_per_second": True},
        {"tag": "x", "refresh_per_second": 0},
        {"tag": "x" * 2000},
        {"tagg": "x"},
        {"object": ["a"] * 1001},
    ],
)
def test_a_senseless_purge_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        parse_purge(body)


def test_a_warm_says_how_much_where_and_how_fast() -> None:
    asked = parse_warm(
        {"title": "t", "seconds": 30, "sites": ["fra"], "bytes_per_second": 1e6, "concurrency": 2}
    )
    assert (asked.part, asked.where) == (Part(None, 30.0), Where((), ("fra",)))
    assert (asked.bytes_per_second, asked.concurrency) == (1_000_000, 2)
    assert parse_pin({"prefix": "films/", "bytes": 5}).part == Part(5, None)


def test_parts_say_how_much_of_each_object_and_hours_when() -> None:
    parts = [{"object": "a", "bytes": 5}, {"object": "/p/b", "bytes": 7}]
    asked = parse_warm({"parts": parts, "from_at": 10, "until_at": 20.5, "edges": "e"})
    assert asked.parts == (("a", 5), ("/p/b", 7))
    assert (asked.from_at, asked.until_at) == (10.0, 20.5)
    assert parse_pin({"parts": parts, "object": "c"}).parts == asked.parts
    assert parse_warm({"object": "a"}).until_at is None


@pytest.mark.parametrize(
    "body",
    [
        {"object": "a", "until_at": 0},
        {"object": "a", "from_at": 10, "until_at": 10},
        {"object": "a", "from_at": -1},
        {"parts": []},
        {"parts": {}},
        {"parts": ["a"]},
        {"parts": [{"object": "a"}]},
        {"parts": [{"object": "", "bytes": 1}]},
        {"parts": [{"object": "a b", "bytes": 1}]},
        {"parts": [{"object": "a", "bytes": 0}]},
        {"parts": [{"object": "a", "bytes": 1}] * 501},
        {"object": "a", "bytes": 1, "seconds": 1},
        {"object": "a", "bytes": 0},
        {"object": "a", "concurrency": 0},
        {"prefix": "a"},
        {"object": "a", "edges": "x" * 2000},
    ],
)
def test_a_senseless_warm_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        parse_warm(body)
