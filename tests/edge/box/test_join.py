"""A worker alone has no box; with sockets it tells and asks the others."""

from __future__ import annotations

from edge.box.changes import ChangesEverywhere, ChangesHere
from edge.cache.sharing import Alone
from tests.edge.box.conftest import Boxed
from tests.edge.conftest import Edge


async def test_a_worker_alone_asks_nobody(edge: Edge) -> None:
    assert edge.worker.box is None
    assert isinstance(edge.worker.changes, ChangesHere)
    assert isinstance(edge.worker.holdings.sharing, Alone)


async def test_a_worker_of_several_tells_the_others(box: Boxed) -> None:
    for edge in box.workers:
        assert edge.worker.box is edge.worker.holdings.sharing
        assert isinstance(edge.worker.changes, ChangesEverywhere)
