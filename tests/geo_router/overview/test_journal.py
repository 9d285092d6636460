"""The journal numbers its lines and keeps the last ones."""

from __future__ import annotations

from geo_router.overview.journal import ENTRIES_MAX, Journal


def test_the_last_lines_stay_in_order_with_their_numbers() -> None:
    journal = Journal()
    for number in range(ENTRIES_MAX + 3):
        journal.add(float(number), "edge", "down: refused", about="fra-0", state="down", grave=True)
    body = journal.body()
    assert [entry["number"] for entry in body] == list(range(4, ENTRIES_MAX + 4))
    assert body[-1] == {
        "number": ENTRIES_MAX + 3,
        "at": float(ENTRIES_MAX + 2),
        "kind": "edge",
        "text": "down: refused",
        "about": "fra-0",
        "state": "down",
        "grave": True,
    }
