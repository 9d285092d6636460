"""An answer nobody wants costs its connection, unless it has no content."""

from __future__ import annotations

from typing import Any, cast

from edge.http1.response import ResponseHead
from edge.upstream.lent import NOWHERE, Lent
from tests.edge.made import an_answer


class Written:
    """A pool and its connection that only write down."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def release(self, connection: object) -> None:
        self.calls.append("release")

    def abort(self) -> None:
        self.calls.append("abort")

    async def pour(self, sink: object) -> bool:
        assert sink is NOWHERE
        self.calls.append("pour")
        return True


async def discarded(head: ResponseHead) -> list[str]:
    written = Written()
    each = cast(Any, written)
    await Lent(each, each, head, 0.0, 0.0).discard()
    return written.calls


async def test_an_answer_with_content_is_dropped() -> None:
    assert await discarded(an_answer(200, "Content-Length: 3")) == ["abort", "release"]


async def test_an_answer_without_content_keeps_its_connection() -> None:
    assert await discarded(an_answer(304)) == ["pour", "release"]


def test_nowhere_takes_nothing() -> None:
    assert len(NOWHERE.view()) == 1
    assert NOWHERE.received(1) is False
