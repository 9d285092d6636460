"""Claims about who sends most."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.overview.busiest import busiest_edges, busiest_titles, rows_of
from scripts.overview.looking import Seen
from tests.scripts.overview.seen import EDGE, edge, router


def record(path: str, sent: int, **more: Any) -> dict[str, Any]:
    return {"tier": "edge", "node": "e1", "path": path, "bytes": sent, "client": "a", **more}


def test_titles_are_added_up_over_their_files_and_the_window() -> None:
    rates = busiest_titles(
        [
            record("/play/dive/3/v/1.m4s", 100, outcome="hit"),
            record("/~[redacted]/play/dive/3/v/2.m4s", 300, outcome="miss", client="b", node="e2"),
            record("/films/b.mp4?x=1", 900, outcome="hit"),
            record("/films/b.mp4", 0, session="s"),
            {"tier": "router", "path": "/films/b.mp4", "bytes": 10**9},
            {"tier": "edge", "bytes": 5},
            record("/readyz", 500, outcome="own"),
            record("*", 500, outcome="own"),
        ],
        10.0,
    )
    assert [each.title for each in rates] == ["films/b.mp4", "dive"]
    film, dive = rates
    assert (film.bytes_per_second, film.requests_per_second, film.hits) == (90.0, 0.2, 1.0)
    assert film.viewers == 2
    assert (dive.bytes_per_second, dive.hits) == (40.0, 0.25)
    assert (dive.viewers, dive.edges) == (2, ("e1", "e2"))


def test_a_title_of_which_nothing_was_sent_has_no_hits() -> None:
    (rate,) = busiest_titles([record("/a", 0)], 1.0)
    assert rate.hits == 0.0


def test_edges_come_by_what_they_send() -> None:
    rates = busiest_edges(
        [
            edge(egress_bits_per_second=80, streams=1, hits=0.5),
            Seen(EDGE, "http://e", error="refused"),
            edge(egress_bits_per_second=800),
            router(),
        ]
    )
    assert [each.bytes_per_second for each in rates] == [100.0, 10.0, 0.0]
    assert (rates[1].streams, rates[1].hits, rates[1].load) == (1, 0.5, 0.25)
    assert rates[2].load is None


def test_rates_are_plain_values() -> None:
    (row,) = rows_of(busiest_titles([record("/a", 8)], 2.0))
    assert row["title"] == "a"
    assert row["bytes_per_second"] == pytest.approx(4.0)


def test_lines_that_stand_for_others_count_for_them() -> None:
    (film,) = busiest_titles(
        [
            record("/films/a.mp4", 100, outcome="hit", sample=0.01),
            record("/films/a.mp4", 10_000, outcome="miss"),
        ],
        10.0,
    )
    assert (film.bytes_per_second, film.requests_per_second) == (2000.0, 10.1)
    assert film.hits == 0.5
