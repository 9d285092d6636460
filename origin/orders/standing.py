"""Where an order stands: from its row, the receipts and who follows, to what callers see. Pure.

An edge is done when every one of its workers is; its time counts from the order to the receipt of
its last worker, by the clocks of the origins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cdnkit.wire import ReceiptState
from origin.catalog.orders import OrderRow, ReceiptRow

OFFLINE_SECONDS: Final = 12.0
"""An edge that was not seen following for so long is offline; who follows is seen every 5 s."""
_SHOWN_WORST: Final = ("failed", "working", "pending", "offline", "done")


def describe_order(
    order: OrderRow, said: Sequence[ReceiptRow], seen: Mapping[str, float], now: float
) -> dict[str, Any]:
    """The JSON answer. `seen` says when each edge was last seen following."""
    by_edge: dict[str, list[ReceiptRow]] = {edge: [] for edge in order.edges}
    for row in said:
        by_edge.setdefault(row.edge, []).append(row)
    edges = [
        _describe_edge(order, edge, rows, now - seen.get(edge, -math.inf) <= OFFLINE_SECONDS)
        for edge, rows in sorted(by_edge.items())
    ]
    took = sorted(edge["ms"] for edge in edges if edge["state"] == "done")
    return {
        "id": order.id,
        "kind": order.kind.value,
        "state": _overall([edge["state"] for edge in edges]),
        "sequence": order.sequence,
        "at": order.at,
        "by": order.made_by,
        "asked": dict(order.asked),
        "edges": edges,
        "p50_ms": percentile(took, 0.50),
        "p99_ms": percentile(took, 0.99),
    }


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile of ascending values; None of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _describe_edge(
    order: OrderRow, edge: str, rows: Sequence[ReceiptRow], is_online: bool
) -> dict[str, Any]:
    workers = max((row.workers for row in rows), default=0)
    state = _state_of([row.state for row in rows], workers, is_online)
    described: dict[str, Any] = {"name": edge, "state": state}
    if state == "done":
        described["ms"] = round(max(0.0, max(row.at for row in rows) - order.at) * 1000, 1)
    progress = _add_up(rows)
    return {**described, "progress": progress} if progress else described


def _state_of(states: Sequence[ReceiptState], workers: int, is_online: bool) -> str:
    if ReceiptState.FAILED in states:
        return "failed"
    if states and states.count(ReceiptState.DONE) >= workers:
        return "done"
    if not is_online:
        return "offline"
    return "working" if states else "pending"


def _overall(states: Sequence[str]) -> str:
    """The state that needs most attention; done when there is no edge at all."""
    return min(states, key=_SHOWN_WORST.index, default="done")


def _add_up(rows: Sequence[ReceiptRow]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for row in rows:
        for name, value in row.progress.items():
            if isinstance(value, int | float):
                total[name] = total.get(name, 0) + value
            else:
                total[name] = value
    return total
