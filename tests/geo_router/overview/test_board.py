"""The board shows beliefs and figures, tells changes once, and counts bytes to the last."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from geo_router.fleet import Observation, Result
from geo_router.overview.board import FIGURES, SERIES, Board
from tests.geo_router.worlds import FAILED, TIMED_OUT


def body(name: str = "fra-0", state: str = "up", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "site": "fra",
        "url": "http://edge",
        "weight": 1.0,
        "state": state,
        "reason": "ready",
        "since": 1.0,
        "probed_at": 2.0,
        "latency_ms": 1.5,
        "load": None,
        "failing": None,
        "overloaded": False,
        **more,
    }


def told(**facts: Any) -> Observation:
    return Observation(Result.ANSWERED, "ready", 0.001, facts=facts)


def test_a_tick_tells_only_what_is_new() -> None:
    board = Board(0.0)
    first = board.tick(1.0, [body(), body("fra-1")])
    assert set(first["edges"]) == set(first["figures"]) == {"fra-0", "fra-1"}
    second = board.tick(2.0, [body(), body("fra-1", "down", reason="refused")])
    assert (set(second["edges"]), second["figures"]) == ({"fra-1"}, {})
    third = board.tick(3.0, [body()])
    assert (third["edges"], third["gone"]) == ({}, ["fra-1"])
    assert set(board.snapshot(3.0)["edges"]) == {"fra-0"}


def test_figures_of_an_edge_are_what_it_tells_and_end_with_its_answers() -> None:
    board = Board(0.0)
    facts = {"load": 0.5, "egress_bits_per_second": 8e9, "streams": 7, "open_connections": 9}
    board.observe("fra-0", told(**facts, sent_bytes={"hit": 0}), 1.0)
    board.observe(
        "fra-0", told(**facts, sent_bytes={"hit": 300, "miss:cold": 100, "own": 900}), 3.0
    )
    figures = dict(zip(FIGURES, board.tick(3.0, [body()])["figures"]["fra-0"], strict=True))
    assert figures["egress_bits_per_second"] == 8e9
    assert (figures["streams"], figures["connections"]) == (7, 9)
    assert figures["hit_ratio"] == 0.75
    sample = board.snapshot(3.0)["sample"]
    assert (sample["sent.hit"], sample["sent.cold"]) == (150, 50)
    assert sample["serving_edges"] == 1
    board.observe("fra-0", FAILED, 4.0)
    message = board.tick(4.0, [body(state="suspect")])
    assert message["figures"]["fra-0"][:4] == [None] * 4
    assert (message["sample"]["sent.hit"], message["sample"]["egress_bits_per_second"]) == (0, 0)


def test_one_late_answer_is_no_gap_and_two_are() -> None:
    board = Board(0.0)
    board.observe("fra-0", told(egress_bits_per_second=8e9), 1.0)
    shown = []
    for second in (2.0, 3.0):
        board.observe("fra-0", TIMED_OUT, second)
        shown.append(board.tick(second, [body()])["sample"]["egress_bits_per_second"])
    assert shown == [8e9, 0]


@given(st.lists(st.tuples(st.integers(0, 9999), st.booleans()), max_size=20))
def test_no_byte_is_lost_or_counted_twice(looks: list[tuple[int, bool]]) -> None:
    board, sent = Board(0.0), 0
    board.observe("fra-0", told(sent_bytes={"hit": 0}), 0.0)
    for second, (more, lost) in enumerate(looks, 1):
        sent += more
        board.observe("fra-0", FAILED if lost else told(sent_bytes={"hit": sent}), float(second))
        board.tick(float(second), [body()])
    board.observe("fra-0", told(sent_bytes={"hit": sent}), 100.0)
    assert board.tick(100.0, [body()])["sent_bytes"]["hit"] == sent


def test_the_older_sum_of_another_worker_is_no_restart() -> None:
    board = Board(0.0)
    for at, count in ((1.0, 10**9), (2.0, 10**9 + 50), (3.0, 10**9), (4.0, 10**9 + 60)):
        facts = {"counting_since": 7.0, "sent_bytes": {"hit": count}, "fill_bytes": count}
        board.observe("fra-0", told(**facts), at)
        sample = board.tick(at, [body()])["sample"]
        assert sample["fill_bytes_per_second"] <= 50
    assert board.snapshot(4.0)["sent_bytes"]["hit"] == 60


def test_two_looks_in_one_moment_make_no_rate() -> None:
    board = Board(0.0)
    for at, count in ((1.0, 0), (2.0, 100), (2.01, 200)):
        board.observe("fra-0", told(sent_bytes={"hit": count}), at)
    assert board.tick(2.1, [body()])["sample"]["sent.hit"] == 100
    board.observe("fra-0", told(sent_bytes={"hit": 200}), 3.0)
    assert board.tick(3.1, [body()])["sent_bytes"]["hit"] == 200


def test_figures_go_on_when_the_clock_is_set_back() -> None:
    board = Board(9000.0)
    board.observe("fra-0", told(streams=1, sent_bytes={"hit": 0}), 9000.0)
    board.observe("fra-0", told(streams=2, sent_bytes={"hit": 100}), 5400.0)
    sample = board.tick(5400.0, [body()])["sample"]
    assert (sample["streams"], sample["sent.hit"]) == (2, 200)


def test_a_change_is_told_at_once_with_a_line_and_not_again() -> None:
    board = Board(0.0)
    board.tick(1.0, [body()])
    down = body(state="down", reason="cannot connect: refused")
    message = board.change(down, 1.5)
    assert message["edges"]["fra-0"]["state"] == "down"
    (line,) = message["journal"]
    assert line["text"] == "down: cannot connect: refused"
    assert (line["about"], line["grave"]) == ("fra-0", True)
    assert board.tick(2.0, [down])["edges"] == {}
    assert board.snapshot(2.0)["journal"] == [line]


def test_lines_say_what_has_changed() -> None:
    board = Board(0.0)
    board.tick(1.0, [body()])
    changes = [
        body(overloaded=True),
        body(),
        body(ipv6={**body(), "state": "down", "reason": "refused"}),
    ]
    texts = [board.change(change, 2.0)["journal"][0]["text"] for change in changes]
    assert texts == ["overloaded", "no longer overloaded", "for IPv6 down: refused"]


def test_a_fleet_that_is_found_well_fills_no_journal() -> None:
    board = Board(0.0)
    board.tick(1.0, [body(state="unknown")])
    assert board.change(body(), 1.5)["journal"] == []
    assert board.change(body("fra-1", "down"), 1.5)["journal"]


def test_decisions_are_counted_and_routes_told_now_and_then() -> None:
    board = Board(0.0)
    board.count((50, 10), "fra", 6)
    messages = [board.tick(float(second), [body()]) for second in range(1, 4)]
    assert messages[0]["sample"]["decisions_per_second"] == 6
    assert messages[1]["sample"]["decisions_per_second"] == 0
    assert ["flows" in message for message in messages] == [False, False, True]
    assert messages[2]["flows"][0]["site"] == "fra"


def test_the_history_has_every_series() -> None:
    board = Board(0.0)
    board.tick(1.0, [body()])
    fine = board.history.body()["fine"]
    assert tuple(fine["series"]) == SERIES
    assert all(len(values) == 1 for values in fine["series"].values())
