"""Receipts as edges send them."""

from __future__ import annotations

from typing import Any

import pytest

from cdnkit.errors import BadRequestError
from cdnkit.wire import ReceiptState
from origin.orders.said import parse_receipts

GOOD: dict[str, Any] = {
    "edge": "e",
    "worker": 1,
    "workers": 2,
    "receipts": [{"order": "x", "state": "done"}],
}


def test_receipts_are_read() -> None:
    (row,) = parse_receipts(GOOD, 7.0)
    assert (row.order_id, row.edge, row.worker, row.workers) == ("x", "e", 1, 2)
    assert (row.state, row.at, row.progress) == (ReceiptState.DONE, 7.0, {})


@pytest.mark.parametrize(
    "change",
    [
        {"edge": ""},
        {"edge": 1},
        {"worker": 2},
        {"worker": True},
        {"workers": 1000},
        {"receipts": {}},
        {"receipts": [1]},
        {"receipts": [{"order": "x", "state": "fine"}]},
        {"receipts": [{"order": "x", "state": ["done"]}]},
        {"receipts": [{"order": 1, "state": "done"}]},
        {"receipts": [{"order": "x", "state": "done", "progress": []}]},
    ],
)
def test_nonsense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        parse_receipts({**GOOD, **change}, 7.0)
