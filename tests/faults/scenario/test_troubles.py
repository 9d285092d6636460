"""What excuses what."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.scenario.plan import Fault, Kind
from tests.faults.scenario.troubles import (
    FEED_DEAF_SECONDS,
    Troubles,
    fetches_by,
    hears_by,
    serves_by,
    uploads_at,
)


def troubles(*faults: tuple[Kind, str, float, float]) -> Troubles:
    made = Troubles()
    for kind, target, began, ended in faults:
        made.begin(Fault(began, kind, target), began).ended = ended
    return made


@pytest.mark.parametrize(
    ("start", "stop", "excused"),
    [(0, 1.9, False), (0, 2.0, True), (2.5, 2.6, True), (3.9, 9, True), (4.0, 9, False)],
)
def test_a_request_is_excused_that_meets_a_trouble_or_its_aftermath(
    start: float, stop: float, excused: bool
) -> None:
    made = troubles((Kind.KILL, "edge-a", 2.0, 3.0))
    assert made.excuse(frozenset({"edge-a", "origin"}), start, stop, 1.0) is excused
    assert not made.excuse(frozenset({"edge-b"}), start, stop, 1.0)


@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0, 5)), max_size=6),
    st.floats(0, 20),
    st.floats(0.1, 5),
    st.floats(0, 20),
)
def test_peace_is_a_stretch_without_trouble(
    times: list[tuple[float, float]], start: float, seconds: float, length: float
) -> None:
    made = troubles(*((Kind.STOP, "edge-a", began, began + lasts) for began, lasts in times))
    stop = start + length
    moments = sorted({start, stop, *(each.ended for each in made.all)})
    # Peace begins at the start or where a trouble ends, if anywhere.
    found = any(
        start <= moment
        and moment + seconds < stop
        and not any(each.began < moment + seconds and each.ended > moment for each in made.all)
        for moment in moments
    )
    if found:
        assert made.had_peace(frozenset({"edge-a"}), start, stop, seconds * 0.999)
    else:
        assert not made.had_peace(frozenset({"edge-a"}), start, stop, seconds * 1.001)


def test_a_half_open_line_keeps_an_edge_deaf_for_longer_than_it_lasts() -> None:
    made = troubles((Kind.HALF_OPEN, "edge-a>origin", 1.0, 1.1))
    assert not made.had_peace(hears_by("edge-a"), 1.0, 1.0 + FEED_DEAF_SECONDS, 2.0)
    assert made.is_deaf("edge-a", 20.0)
    assert not made.is_deaf("edge-b", 20.0)
    assert not made.is_deaf("edge-a", 1.1 + FEED_DEAF_SECONDS)


def test_a_process_is_dead_from_its_kill_to_its_next_start() -> None:
    made = troubles((Kind.KILL, "edge-a", 2.0, math.inf), (Kind.STOP, "edge-b", 2.0, 9.0))
    assert made.dead_since("edge-a", 1.0) is None
    assert made.dead_since("edge-a", 5.0) == 2.0
    assert made.dead_since("edge-b", 5.0) is None


def test_parts_excuse_less_than_the_whole() -> None:
    disk = troubles((Kind.DISK_FULL, "origin", 0.0, 9.0))
    assert disk.excuse(serves_by(uploads_at("origin"), peers=False), 1, 2, 0)
    assert not disk.excuse(serves_by("origin", peers=False), 1, 2, 0)
    feed = troubles((Kind.FEED_CUT, "edge-a>origin", 0.0, 9.0))
    assert not feed.excuse(serves_by("edge-a", peers=False), 1, 2, 0)
    assert not feed.excuse(fetches_by("edge-a", "origin", peers=False), 1, 2, 0)
    assert feed.had_peace(hears_by("edge-a"), 0, 5, 1)


def test_a_lost_database_excuses_uploads_and_no_read() -> None:
    lost = troubles((Kind.RESET, "origin>database", 0.0, 9.0))
    assert lost.excuse(serves_by(uploads_at("origin"), peers=False), 1, 2, 0)
    assert not lost.excuse(serves_by("origin", peers=False), 1, 2, 0)
    assert not lost.excuse(serves_by("edge-a", peers=False), 1, 2, 0)
    assert not lost.excuse(fetches_by("edge-a", "origin", peers=False), 1, 2, 0)


def test_peers_answer_for_each_other() -> None:
    assert "edge-b" not in serves_by("edge-a", peers=False)
    needed = serves_by("edge-a", peers=True) | fetches_by("edge-a", "origin", peers=True)
    assert {"edge-b", "edge-a>edge-b", "edge-b>origin"} <= needed


def test_a_slow_disk_excuses_nothing() -> None:
    slow = troubles((Kind.DISK_SLOW, "origin", 0.0, 9.0), (Kind.DISK_SLOW, "edge-a", 0.0, 9.0))
    for server in ("origin", "edge-a", uploads_at("origin")):
        assert not slow.excuse(serves_by(server, peers=False), 1, 2, 0)
    assert slow.had_peace(hears_by("edge-a"), 0, 5, 1)
