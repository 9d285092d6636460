"""What players are told of the way to them (CMSD), on both paths in the same words."""

from __future__ import annotations

import struct

import pytest

from cdnkit.structured import parse_list
from edge.cmsd import Cmsd, parameters_of
from tests.edge.conftest import BLOCK, Edge, Plan, on_disk

INFO = bytearray(168)
struct.pack_into("=I", INFO, 68, 20_400)
struct.pack_into("=Q", INFO, 160, 1_250_000)


@pytest.mark.parametrize(
    ("info", "pace", "is_full", "told"),
    [
        (bytes(INFO), 0, False, {"etp": 10_000, "rtt": 20}),
        (bytes(INFO), 500_000, True, {"etp": 10_000, "rtt": 20, "mb": 4000, "du": True}),
        (bytes(168), 0, False, {"rtt": 0}),
        (b"", 0, True, {"du": True}),
        (bytes(100), 0, False, {}),
    ],
)
def test_a_member_says_what_is_known(
    info: bytes, pace: int, is_full: bool, told: dict[str, object]
) -> None:
    text = '"edge-1"' + parameters_of(info, pace, is_full=is_full).decode()
    assert parse_list(text) == [("edge-1", told)]


@pytest.mark.parametrize("lines", [("Range: bytes=5-99",), ()])
async def test_both_paths_tell_it_in_the_same_place(plan: Plan, lines: tuple[str, ...]) -> None:
    plan.origin.put("/film", bytes(2 * BLOCK))
    async with plan.but(cmsd=True).start() as edge:
        client = await edge.client()
        full = await client.ask("/film", *lines)
        await on_disk(edge, 2)
        for _ in range(8):
            answer = await client.ask("/film", *lines)
        assert edge.worker.lane._number
        for each in (full, answer):
            members = parse_list(each.fields["cmsd-dynamic"]) or []
            assert [name for name, _ in members] == ["edge-1"]
            assert {"rtt"} <= set(members[0][1]) <= {"etp", "rtt", "du"}
        assert answer.body == full.body
        assert list(answer.fields) == list(full.fields)


async def test_it_comes_behind_what_the_hops_before_have_told(plan: Plan) -> None:
    plan.origin.put(
        "/film", bytes(BLOCK), lines=('CMSD-Dynamic: "o";etp=7', "Cache-Control: max-age=9")
    )
    async with plan.but(cmsd=True).start() as edge:
        answer = await (await edge.client()).ask("/film")
    told = parse_list(answer.fields["cmsd-dynamic"]) or ()
    assert [name for name, _ in told] == ["o", "edge-1"]


async def test_a_connection_that_began_with_something_else_is_told_it_by_the_lane(
    plan: Plan,
) -> None:
    plan.origin.put("/film", bytes(BLOCK))
    plan.origin.put("/mine", b"", lines=("Cache-Control: no-store",))
    async with plan.but(cmsd=True).start() as edge:
        for _ in range(4):
            await (await edge.client()).ask("/film", "User-Agent: other")
            await on_disk(edge)
        client = await edge.client()
        await client.ask("/mine")
        for _ in range(4):
            assert "cmsd-dynamic" in (await client.ask("/film")).fields
        before = edge.worker.lane._number
        await client.ask("/film")
        assert edge.worker.lane._number == before + 1


async def test_nothing_is_told_unless_it_is_wanted(edge: Edge) -> None:
    edge.origin.put("/film", bytes(BLOCK))
    client = await edge.client()
    for _ in range(4):
        assert "cmsd-dynamic" not in (await client.ask("/film")).fields


async def test_what_is_told_is_renewed(plan: Plan) -> None:
    plan.origin.put("/film", bytes(BLOCK))
    async with plan.but(cmsd=True).start() as edge:
        client = await edge.client()
        await client.ask("/film")
        (connection,) = edge.worker.server.connections.values()
        cmsd = edge.worker.lane.cmsd
        assert isinstance(cmsd, Cmsd)
        # The edge's own clock would tell its true load between two lines.
        edge.worker.lane.cmsd = None
        cmsd.tick(edge.worker.server.connections, {"load": 1.5})
        assert b";du" in connection.cmsd
        assert ";du" in (await client.ask("/film")).fields["cmsd-dynamic"]
        cmsd.tick(edge.worker.server.connections, {"load": 0.5})
        assert b";du" not in connection.part + connection.whole
