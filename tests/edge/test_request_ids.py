"""A request keeps one name through all tiers."""

from __future__ import annotations

import pytest

from edge.request_ids import request_ids
from tests.edge.conftest import Edge, Plan


def test_our_own_never_repeat() -> None:
    make = request_ids()
    other = request_ids()
    assert len({make(None) for _ in range(100)} | {other(None) for _ in range(100)}) == 200


@pytest.mark.parametrize(
    ("given", "is_kept"), [("r-1", True), ("x" * 64, True), ("x" * 65, False), ("a b", False)]
)
async def test_the_clients_own_is_kept_when_it_is_sane(
    plan: Plan, edge: Edge, given: str, is_kept: bool
) -> None:
    plan.origin.put("/a", b"film")
    client = await edge.client()
    answer = await client.ask("/a", f"X-Request-Id: {given}")
    assert (answer.fields["x-request-id"] == given) is is_kept
    assert plan.origin.asked[0].fields["x-request-id"]
