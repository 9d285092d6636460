"""A worker whose every borrowing came too late told viewers that the upstream had failed.

A film replaced several times a second on a busy machine; a scenario drawn by chance found it. And
who then asked for the viewer alone was sent the head without the content, when the owner held it.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.box.borrowing import Borrowing
from tests.edge.box.conftest import Boxed, boxed_workers, owned_by
from tests.edge.conftest import BLOCK, Plan
from tests.edge.conftest import origin as origin
from tests.edge.conftest import plan as plan

TARGET = owned_by(1, workers=2)
FILM = random.Random(11).randbytes(3 * BLOCK + 7)


@pytest.fixture
async def box(plan: Plan) -> AsyncIterator[Boxed]:
    async with boxed_workers(plan, 2) as running:
        yield running


@pytest.mark.parametrize(
    ("lines", "status", "body"),
    [
        ((), 200, FILM),
        (("Range: bytes=70000-150000",), 206, FILM[70000:150001]),
        ((f"Range: bytes={len(FILM)}-",), 416, None),
    ],
)
async def test_who_can_never_borrow_gets_the_owners_answer(
    lines: tuple[str, ...],
    status: int,
    body: bytes | None,
    box: Boxed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0

    async def too_late(*_: Any) -> None:
        nonlocal asked
        asked += 1

    monkeypatch.setattr(Borrowing, "take", too_late)
    box.workers[0].origin.put(TARGET, FILM)
    client = await box.others(TARGET)[0].client()
    answer = await client.ask(TARGET, *lines)
    assert answer.status == status
    assert body is None or answer.body == body
    assert asked == 3
