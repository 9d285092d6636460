"""Changes are made here or everywhere, by the same words."""

from __future__ import annotations

from typing import Any, cast

import pytest

from edge.box.changes import ChangesHere, make_change
from edge.box.neighbours import EVERYTHING
from edge.cache.holdings import Holdings
from tests.edge.box.conftest import Boxed, owned_by

TARGET = owned_by(0)


class Written:
    """Holdings that only write down."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def invalidate(self, target: bytes, new_etag: str | None = None) -> None:
        self.calls.append((target, new_etag))

    def distrust(self) -> None:
        self.calls.append("everything")


async def test_alone_a_change_is_made_at_once() -> None:
    written = Written()
    changes = ChangesHere(cast(Holdings, written))
    changes.invalidate(b"/a", '"1"')
    await changes.settled()
    assert written.calls == [(b"/a", '"1"')]


def test_a_change_from_another_worker_is_the_same_change() -> None:
    written = Written()
    holdings = cast(Holdings, written)
    make_change(holdings, ["target", "/\xff", None])
    assert written.calls == [(b"/\xff", None)]


def test_more_than_could_be_told_is_everything() -> None:
    written = Written()
    make_change(cast(Holdings, written), EVERYTHING)
    assert written.calls == ["everything"]


@pytest.mark.parametrize("change", [[], ["target"], ["other", "/a", None], ["target", 1, None]])
def test_what_nobody_knows_is_refused(change: list[Any]) -> None:
    with pytest.raises(ValueError, match="no such change"):
        make_change(cast(Holdings, Written()), change)


async def test_everywhere_is_settled_when_all_workers_have_made_it(box: Boxed) -> None:
    changes = box.workers[2].worker.changes
    before = [edge.worker.holdings.epochs.now for edge in box.workers]
    changes.invalidate(TARGET.encode())
    await changes.settled()
    after = [edge.worker.holdings.epochs.now for edge in box.workers]
    assert after == [epoch + 1 for epoch in before]
