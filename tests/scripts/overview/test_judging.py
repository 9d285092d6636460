"""Claims about what is wrong with what was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scripts.overview.figures import Figures
from scripts.overview.judging import Row, judge
from scripts.overview.looking import Seen
from tests.scripts.overview.seen import DIGEST, EDGE, ORIGIN, edge, router


def row(seen: Seen, *others: Seen) -> Row:
    return judge([seen, *others], DIGEST)[0]


def test_an_edge_that_is_well_has_nothing_to_be_told() -> None:
    sent = "cinedge_edge_sent_bytes_total"
    seen = edge(
        EDGE,
        (sent, {"outcome": "hit"}, 6.0),
        (sent, {"outcome": "stale"}, 1.0),
        (sent, {"outcome": "miss"}, 3.0),
        ("cinedge_edge_held_bytes", {}, 500.0),
        streams=2,
        egress_bits_per_second=8,
    )
    found = row(seen, router(e1="up"))
    assert (found.troubles, found.notes, found.well) == ((), (), True)
    assert found.hit_ratio == pytest.approx(0.7)
    assert (found.held_bytes, found.disk_bytes, found.version) == (500.0, 1000, "1")
    assert (found.tier, found.site, found.state, found.load) == ("edge", "fra", "ready", 0.25)


@pytest.mark.parametrize(
    ("seen", "trouble"),
    [
        (Seen(EDGE, "http://e1", error="refused"), "does not answer at http://e1: refused"),
        (edge(status="starting"), "is starting"),
        (edge(status="failing", checks={"disk": "full", "feed": "ok"}), "disk: full"),
        (edge(load=1.25), "is full: load 1.25"),
        (edge(failing=0.2), "20% of its answers are server errors"),
        (edge(topology="other"), f"goes by another topology (other, the file is {DIGEST})"),
    ],
)
def test_what_is_wrong_is_told_and_the_process_is_not_well(seen: Seen, trouble: str) -> None:
    assert row(seen).troubles == (trouble,)
    assert not row(seen).well


@pytest.mark.parametrize(
    ("seen", "note"),
    [
        (edge(status="draining"), "drained: takes no new viewers"),
        (edge(status="loading", loaded=0.4), "still finds what its disks hold, 40% so far"),
        (
            edge(EDGE, ("cinedge_edge_corrupt_blocks_total", {}, 3.0)),
            "3 blocks were spoilt on its disks since its start",
        ),
    ],
)
def test_what_is_wished_for_or_over_is_a_note(seen: Seen, note: str) -> None:
    assert (row(seen).notes, row(seen).troubles) == ((note,), ())


@pytest.mark.parametrize("state", ["down", "slow", "unknown", "recovering"])
def test_an_edge_that_a_router_sends_nobody_to_is_not_well(state: str) -> None:
    assert row(edge(), router(e1=state)).troubles == (f"router r1 sends nobody: {state}, why",)


@pytest.mark.parametrize("state", ["up", "suspect", "draining"])
def test_an_edge_that_is_routed_to_or_wished_away_is_well(state: str) -> None:
    assert row(edge(), router(e1=state)).well


def test_a_router_with_no_edge_left_is_not_well() -> None:
    assert row(router(e1="down", e2="draining")).troubles == ("has no edge to send viewers to",)
    assert row(router(e1="down", e2="up")).well


def test_who_runs_another_version_is_told() -> None:
    odd = replace(edge(), figures=Figures((("cinedge_build_info", {"version": "2"}, 1.0),)))
    assert row(odd, edge(), router(e1="up")).notes == ("runs 2, most run 1",)
    assert row(edge(), odd, router(e1="up")).notes == ()


def test_a_process_without_figures_or_file_is_no_trouble() -> None:
    bare = Seen(ORIGIN, "http://o1", "", True, {"status": "ready", "checks": {}})
    found = row(bare)
    assert found.well
    assert (found.hit_ratio, found.held_bytes, found.disk_bytes, found.version) == (
        None,
        None,
        None,
        "",
    )


def test_an_origin_that_drains_is_not_ready() -> None:
    seen = Seen(ORIGIN, "http://o1", "", False, {"status": "draining", "checks": {}})
    assert row(seen).troubles == ("is draining",)
