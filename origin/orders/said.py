"""Receipts as edges send them, read strictly. Pure.

{"edge": NAME, "worker": 0, "workers": 2,
 "receipts": [{"order": ID, "state": "working" | "done" | "failed", "progress": {…}}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cdnkit.errors import BadRequestError
from cdnkit.wire import ReceiptState
from origin.catalog.orders import ReceiptRow

RECEIPTS_MAX: Final = 1000
_WORKERS_MAX: Final = 256


def parse_receipts(body: Mapping[str, Any], now: float) -> list[ReceiptRow]:
    """The receipts in a body, received `now`. Raises BadRequestError."""
    edge, said = body.get("edge"), body.get("receipts")
    worker, workers = body.get("worker"), body.get("workers")
    if not isinstance(edge, str) or not 0 < len(edge) <= 200:
        raise BadRequestError("'edge' is the name of an edge")
    if type(worker) is not int or type(workers) is not int:
        raise BadRequestError("'worker' and 'workers' are whole numbers")
    if not 0 <= worker < workers <= _WORKERS_MAX:
        raise BadRequestError(f"'worker' is below 'workers', which is at most {_WORKERS_MAX}")
    if not isinstance(said, list) or len(said) > RECEIPTS_MAX:
        raise BadRequestError(f"'receipts' is a list of at most {RECEIPTS_MAX}")
    return [_receipt(each, edge, worker, workers, now) for each in said]


def _receipt(each: Any, edge: str, worker: int, workers: int, now: float) -> ReceiptRow:
    states = {state.value: state for state in ReceiptState}
    if not isinstance(each, dict) or not isinstance(each.get("order"), str):
        raise BadRequestError("a receipt names its 'order'")
    state = each.get("state")
    if not isinstance(state, str) or state not in states:
        raise BadRequestError(f"the 'state' of a receipt is one of {', '.join(states)}")
    progress = each.get("progress", {})
    if not isinstance(progress, dict) or len(progress) > 20:
        raise BadRequestError("the 'progress' of a receipt is an object with few members")
    order_id = each["order"]
    return ReceiptRow(order_id, edge, worker, workers, states[state], now, progress)
