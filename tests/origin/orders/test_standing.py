"""Where an order stands, from what was said of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cdnkit.wire import ChangeKind, ReceiptState
from origin.catalog.orders import OrderRow, ReceiptRow
from origin.orders.standing import OFFLINE_SECONDS, describe_order, percentile

ORDER = OrderRow("x", ChangeKind.PURGE, 1, 100.0, "ann", {}, ("e1", "e2"))


def said(
    edge: str, state: ReceiptState, at: float, worker: int = 0, workers: int = 1
) -> ReceiptRow:
    return ReceiptRow("x", edge, worker, workers, state, at, {"bytes": 2, "note": "n"})


def states(rows: list[ReceiptRow], seen: dict[str, float]) -> tuple[str, dict[str, str]]:
    shown = describe_order(ORDER, rows, seen, 200.0)
    return shown["state"], {edge["name"]: edge["state"] for edge in shown["edges"]}


def test_who_has_not_answered_is_pending_or_offline() -> None:
    seen = {"e1": 199.0, "e2": 199.0 - OFFLINE_SECONDS}
    assert states([], seen) == ("pending", {"e1": "pending", "e2": "offline"})


def test_an_edge_is_done_when_all_its_workers_are() -> None:
    one = said("e1", ReceiptState.DONE, 100.25, 0, 2)
    two = said("e1", ReceiptState.DONE, 100.5, 1, 2)
    assert states([one], {"e1": 200.0})[1]["e1"] == "working"
    shown = describe_order(ORDER, [one, two, said("e3", ReceiptState.DONE, 101.0)], {}, 200.0)
    assert [edge.get("ms") for edge in shown["edges"]] == [500.0, None, 1000.0]
    assert (shown["p50_ms"], shown["p99_ms"], shown["state"]) == (500.0, 1000.0, "offline")
    assert shown["edges"][0]["progress"] == {"bytes": 4, "note": "n"}


def test_a_failure_shows_before_everything() -> None:
    rows = [said("e1", ReceiptState.FAILED, 101.0), said("e2", ReceiptState.DONE, 101.0)]
    assert states(rows, {})[0] == "failed"


def test_an_order_without_edges_is_done() -> None:
    assert (
        describe_order(OrderRow("x", ChangeKind.PURGE, 1, 1.0, "a", {}, ()), [], {}, 2.0)["state"]
        == "done"
    )


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_the_share_does_not_exceed(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
