"""Readers for answers: one that reads ahead for a part, none that does for several."""

from __future__ import annotations

import random

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


async def test_a_part_is_read_ahead_of_by_the_blocks_set(plan: Plan) -> None:
    plan.origin.put("/a", FILM)
    for number, ahead in enumerate((0, 1, 3)):
        plan.cache = plan.cache.parent / f"cache-{number}"
        async with plan.but(read_ahead_blocks=ahead).start() as edge:
            assert await held_after(edge, "0-9") == set(range(1 + ahead))
            far = 20 * BLOCK
            assert await held_after(edge, f"{far}-{far + 9}") == {
                *range(1 + ahead),
                *range(20, 21 + ahead),
            }


async def test_parts_bring_what_they_name_and_nothing_behind_it(plan: Plan) -> None:
    plan.origin.put("/a", FILM)
    async with plan.but(read_ahead_blocks=2).start() as edge:
        await held_after(edge, "0-9")
        first, second = 20 * BLOCK, 30 * BLOCK
        held = await held_after(edge, f"{first}-{first + 9}, {second}-{second + 9}")
        assert held == {0, 1, 2, 20, 30}
