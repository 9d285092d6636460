"""What the lane was taught: bounded in number and in bytes, forgotten in turn."""

from __future__ import annotations

import pytest

from edge.targets import CONTENTS_BYTES_MAX, COPIED_BYTES_MAX, Targets
from tests.edge.conftest import Plan
from tests.edge.laned import KEPT, SMALL, laned, laned_on_films
from tests.edge.made import an_entry

pytestmark = pytest.mark.both_forms


@pytest.mark.parametrize(
    ("line", "known"),
    [
        (b"GET /a?CMCD=br%3D1", b"/a"),
        (b"GET /a?x=1&CMCD=br%3D1", b"/a?x=1"),
        (b"GET /a?CMCD=1&x=1", None),
        (b"GET /a?x=?CMCD=1", None),
        (b"GET /a&CMCD=1", None),
        (b"GET /a?xCMCD=1", None),
        (b"GET /a?", None),
        (b"GET /b?CMCD=1", None),
    ],
)
def test_only_a_real_last_argument_of_cmcd_is_taken_off(line: bytes, known: bytes | None) -> None:
    targets = Targets(10)
    for target in (b"/a", b"/a?x=1"):
        targets.teach(target, an_entry(250, key=target), 9.0, "")
    found = targets.without_cmcd(line)
    assert (found and found.entry.key) == known


async def test_targets_are_forgotten_in_turn_and_leave_nothing_with_their_entries(
    plan: Plan,
) -> None:
    for number in range(6):
        plan.origin.put(f"/{number}", SMALL, lines=KEPT)
    async with laned(plan, lane_targets_max=3) as fast:
        client = await fast.edge.client()
        for number in range(6):
            await fast.warm(client, f"/{number}")
        lane = fast.lane
        assert list(lane.targets.by_line) == [b"GET /3", b"GET /4", b"GET /5"]
        assert lane.targets.contents_bytes == 3 * len(SMALL)
        assert [len(fast.entry(f"/{n}").hots) for n in range(6)] == [0, 0, 0, 1, 1, 1]
        entry = fast.entry("/5")
        for number in range(1000):
            lane.teach(b"/~T%d/5" % number, entry, fast.clock.now + 9, "")
        assert len(entry.hots) == len(lane.targets.by_line) == 3
        before = fast.answered
        assert (await client.ask("/5")).body == SMALL
        assert fast.answered == before


async def test_contents_in_memory_stay_within_their_bound(plan: Plan) -> None:
    async with laned_on_films(plan) as fast:
        content = b"x" * COPIED_BYTES_MAX
        fast.edge.origin.put("/eight", content, lines=KEPT)
        client = await fast.edge.client()
        await fast.warm(client, "/eight")
        entry = fast.entry("/eight")
        count = CONTENTS_BYTES_MAX // COPIED_BYTES_MAX + 50
        for number in range(count):
            fast.lane.teach(b"/~%d/eight" % number, entry, fast.clock.now + 9, "")
        assert (
            CONTENTS_BYTES_MAX - COPIED_BYTES_MAX
            <= fast.lane.targets.contents_bytes
            <= CONTENTS_BYTES_MAX
        )
        assert len({id(hot.content) for hot in entry.hots}) == 2
        before = fast.answered
        assert (await client.ask(f"/~{count - 1}/eight")).body == content
        assert fast.answered == before + 1
