"""What a purge takes and what it leaves."""

from __future__ import annotations

from typing import Any

import pytest

from cdnkit.wire import MissClass
from edge.cache.holdings import Holdings
from edge.entry import Entry
from edge.purging import parse_purge, purge
from tests.edge.conftest import Edge

PATHS = ("/films/a", "/films/a?sub=1", "/films/ab", "/films/b", "/other/a")
DETAIL: dict[str, Any] = {
    "keys": [],
    "prefixes": [],
    "tags": [],
    "all": False,
    "soft": False,
    "refresh_per_second": 5,
}


def targets_of(key: str) -> list[bytes]:
    return [f"/{key}".encode()]


async def held(edge: Edge) -> Holdings:
    client = await edge.client()
    for path in PATHS:
        lines = ("Cache-Control: max-age=60", f"Cache-Tag: t{path.partition('?')[0]}, each")
        edge.origin.put(path.partition("?")[0], b"content", lines=lines)
        assert (await client.ask(path)).status == 200
    return edge.worker.holdings


async def purged(edge: Edge, **what: Any) -> set[str]:
    holdings = await held(edge)
    softened: list[Entry] = []
    what_is_meant = parse_purge({**DETAIL, **what}, targets_of)
    await purge(holdings, what_is_meant, 0.0, softened.append)
    assert not softened
    left = {key.decode() for key in holdings.entries}
    gone = set(PATHS) - left
    assert all(holdings.why_missing(path.encode()) is MissClass.PURGED for path in gone)
    return gone


@pytest.mark.parametrize(
    ("what", "gone"),
    [
        ({"keys": ["films/a"]}, {"/films/a", "/films/a?sub=1"}),
        ({"keys": ["/films/a?sub=1"]}, {"/films/a?sub=1"}),
        ({"keys": ["/other/a", "films/none"]}, {"/other/a"}),
        ({"prefixes": ["films/a"]}, {"/films/a", "/films/a?sub=1", "/films/ab"}),
        ({"tags": ["t/films/b", "t/none"]}, {"/films/b"}),
        ({"tags": ["each"]}, set(PATHS)),
        ({"all": True}, set(PATHS)),
        ({}, set()),
    ],
    ids=["key", "query", "path", "prefix", "tag", "shared-tag", "all", "nothing"],
)
async def test_a_purge_takes_what_it_names(
    edge: Edge, what: dict[str, Any], gone: set[str]
) -> None:
    assert await purged(edge, **what) == gone


async def test_answers_asked_for_before_a_purge_count_as_overtaken(edge: Edge) -> None:
    holdings = await held(edge)
    asked = holdings.epochs.now
    what = parse_purge({**DETAIL, "prefixes": ["films/"]}, targets_of)
    await purge(holdings, what, 0.0, lambda entry: None)
    assert holdings.epochs.is_past(b"/films/new", asked)
    assert not holdings.epochs.is_past(b"/films/new", holdings.epochs.now)


async def test_a_soft_purge_makes_stale_what_may_be_served_stale(edge: Edge) -> None:
    holdings = await held(edge)
    now = holdings.entries[b"/films/a"].head.freshness.born_at + 10
    what = parse_purge({**DETAIL, "keys": ["films/a"], "soft": True}, targets_of)
    softened: list[Entry] = []
    await purge(holdings, what, now, softened.append)
    assert {entry.key for entry in softened} == {b"/films/a", b"/films/a?sub=1"}
    freshness = holdings.entries[b"/films/a"].head.freshness
    assert freshness.lifetime_seconds == 10
    assert freshness.stale_while_revalidate_seconds > 0
    assert holdings.entries[b"/films/b"].head.freshness.lifetime_seconds == 60


@pytest.mark.parametrize(
    "detail", [{}, {**DETAIL, "keys": "a"}, {**DETAIL, "tags": 5}, {**DETAIL, "prefixes": None}]
)
def test_what_is_no_purge_is_refused(detail: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        parse_purge(detail, targets_of)
