"""Pins of an order hold across a restart, until they are taken away."""

from __future__ import annotations

import random

import pytest

from config.topology import Address, OriginNode, Route
from edge.pinning import Pinning
from edge.warming import Wanted
from tests.edge.conftest import BLOCK, Edge, Origin, Plan, eventually
from tests.edge.test_feed import KEY, PATH, Journal

LONG = random.Random(6).randbytes(5 * BLOCK)


@pytest.fixture
def journal(origin: Origin) -> Journal:
    """The origin keeps a journal."""
    return Journal(origin)


async def test_the_first_bytes_of_a_target_are_pinned_in_whole_blocks(edge: Edge) -> None:
    holdings = edge.worker.holdings
    pinning = Pinning(holdings, BLOCK)
    await pinning.pin([Wanted(b"/long", BLOCK + 1), Wanted(b"/other", None)])
    assert holdings.keeping.pinned() == {b"/long": [(0, 2)], b"/other": [(0, None)]}
    await pinning.unpin([Wanted(b"/long", None), Wanted(b"/other", BLOCK)])
    assert holdings.keeping.pinned() == {b"/other": [(1, None)]}


async def test_an_order_to_pin_is_done_told_and_known_after_a_restart(
    plan: Plan, journal: Journal
) -> None:
    plan.origins = (OriginNode("o", Address("127.0.0.1", 1), "/nowhere", url=plan.origin.url),)
    plan.routes = (Route("/"),)

    def order(kind: str, name: str) -> dict[str, object]:
        objects = [{"key": KEY, "stop_bytes": None}]
        return {"kind": kind, "detail": {"order": name, "objects": objects, "edges": None}}

    async with plan.start():
        journal.add(order("pin", "x"))
        await eventually(lambda: len(journal.said) == 1, "it is done")
    async with plan.start() as edge:
        assert edge.worker.holdings.keeping.pinned() == {PATH.encode(): [(0, None)]}
        journal.add(order("unpin", "y"))
        await eventually(lambda: len(journal.said) >= 2, "it is undone")
        assert edge.worker.holdings.keeping.pinned() == {}
    assert {said["state"] for said in journal.said} == {"done"}
