"""Readers for answers: one that reads ahead for a part, none that does for several."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from tests.edge.conftest import BLOCK, Edge, Plan, eventually

FILM = random.Random(17).randbytes(40 * BLOCK)


async def held_after(edge: Edge, header: str) -> set[int]:
    """Blocks held once nothing more is on its way for a viewer who stays."""
    viewer = await edge.client()
    await viewer.ask("/a", f"Range: bytes={header}")
    fills = edge.worker.fills
    await eventually(lambda: not fills._tasks and not fills._saving, "nothing is on its way")
    return {
        block for block, state in enumerate(edge.worker.holdings.entries[b"/a"].present) if state
    }


async def test_as_much_as_was_asked_for_is_read_ahead_up_to_the_blocks_set(plan: Plan) -> None:
    plan.origin.put("/a", FILM)
    for number, ahead in enumerate((0, 1, 3)):
        plan.cache = plan.cache.parent / f"cache-{number}"
        async with plan.but(read_ahead_blocks=ahead).start() as edge:
            assert await held_after(edge, "0-9") == set(range(1 + min(ahead, 1)))
            far = 20 * BLOCK
            assert await held_after(edge, f"{far}-{far + 2 * BLOCK - 1}") == {
                *range(1 + min(ahead, 1)),
                *range(20, 22 + min(ahead, 2)),
            }


async def test_parts_bring_what_they_name_and_nothing_behind_it(plan: Plan) -> None:
    plan.origin.put("/a", FILM)
    async with plan.but(read_ahead_blocks=2).start() as edge:
        await held_after(edge, "0-9")
        first, second = 20 * BLOCK, 30 * BLOCK
        held = await held_after(edge, f"{first}-{first + 9}, {second}-{second + 9}")
        assert held == {0, 1, 20, 30}


class Pace:
    """Stands for the server's loop: its time is set, and what is to be done later is kept."""

    def __init__(self, edge: Edge) -> None:
        self.now = 100.0
        self.waiting: list[tuple[float, Callable[[], None]]] = []
        self._loop = edge.worker.server.loop
        edge.worker.server.loop = cast(asyncio.AbstractEventLoop, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, do: Callable[..., None], *arguments: object) -> Any:
        entry = (seconds, partial(do, *arguments))
        self.waiting.append(entry)
        return SimpleNamespace(cancel=lambda: self.waiting.remove(entry))


async def test_what_is_ahead_of_a_paced_viewer_is_fetched_when_it_has_stayed(plan: Plan) -> None:
    plan.origin.put("/a", FILM)
    async with plan.but(read_ahead_blocks=1).start() as edge:
        pace, viewer = Pace(edge), await edge.client()
        entries, fills = edge.worker.holdings.entries, edge.worker.fills

        async def watch(block: int) -> None:
            start = block * BLOCK
            await viewer.ask("/a", f"Range: bytes={start}-{start + BLOCK - 1}")
            await eventually(lambda: not fills._tasks and not fills._saving, "all is at rest")

        await watch(0)
        assert entries[b"/a"].at_hand(1)
        pace.now += 4
        await watch(1)
        assert not entries[b"/a"].at_hand(2)
        ((seconds, look),) = pace.waiting
        assert seconds == 2
        look()
        assert entries[b"/a"].at_hand(2)
        await eventually(lambda: not fills._tasks and not fills._saving, "all is at rest")


async def test_nothing_is_fetched_ahead_of_a_paced_viewer_who_has_left(plan: Plan) -> None:
    plan.origin.put("/a", FILM)
    async with plan.but(read_ahead_blocks=1).start() as edge:
        pace, viewer = Pace(edge), await edge.client()
        for block in range(2):
            start = block * BLOCK
            await viewer.ask("/a", f"Range: bytes={start}-{start + BLOCK - 1}")
            pace.now += 4
        assert len(pace.waiting) == 1
        viewer.close()
        await eventually(lambda: not pace.waiting, "nobody is waited for")
        assert not edge.worker.holdings.entries[b"/a"].at_hand(2)
