"""The pace of a connection: a burst, then what the kernel keeps, on either lane."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.tokens import Claims, sign
from config.pacing import Pacing
from config.token_keys import TokenKey
from config.topology import MIB, Route
from edge.cmcd import NOTHING, Cmcd
from edge.connection import Connection
from edge.pacing import Pace, Paced, pace_of
from tests.edge.conftest import Edge, Plan, eventually

pytestmark = pytest.mark.both_forms

FILM = random.Random(5).randbytes(4 * MIB)
KEY = TokenKey("k", "a key of this test, long enough")
PACE = 4 * MIB
WITHIN = 0.10


@pytest.mark.parametrize(
    ("pacing", "limit", "said", "pace"),
    [
        (None, 0, NOTHING, None),
        (None, 700, NOTHING, Pace(700, 0)),
        (Pacing(), 0, NOTHING, None),
        (Pacing(1000, burst_bytes=5, burst_seconds=0), 0, NOTHING, Pace(2000, 5)),
        (Pacing(1000, burst_bytes=5, burst_seconds=3), 0, NOTHING, Pace(2000, 3000)),
        (Pacing(1000, 1.5, burst_bytes=0, burst_seconds=0), 0, Cmcd(4000), Pace(6000, 0)),
        (Pacing(1000, 1.5, 5000, 0, 0), 0, Cmcd(4000), Pace(5000, 0)),
        (Pacing(1000, burst_bytes=5, burst_seconds=0), 700, NOTHING, Pace(700, 5)),
        (Pacing(1000, burst_bytes=5, burst_seconds=0), 9000, NOTHING, Pace(2000, 5)),
    ],
)
def test_a_pace_follows_from_route_token_and_player(
    pacing: Pacing | None, limit: int, said: Cmcd, pace: Pace | None
) -> None:
    assert pace_of(pacing, limit, said) == pace


@given(st.integers(0, 1000), st.lists(st.integers(1, 300), max_size=20))
def test_a_burst_is_handed_out_to_the_byte(burst: int, sizes: list[int]) -> None:
    kept: list[None] = []

    class Watched(Paced):
        def keep(self, connection: Connection) -> None:
            kept.append(None)

    paced = Watched(Pace(10, burst))
    handed = 0
    for size in sizes:
        before = paced.burst_left
        allowed = paced.allow(cast(Any, None), size)
        assert 0 < allowed <= size
        if before:
            handed += allowed
            assert handed <= burst
            assert not kept
        else:
            assert allowed == size


async def seconds_of(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, after: int
) -> tuple[bytes, float, int]:
    """One request; its content, and time and bytes from byte `after` of it on."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nX-New: 1\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    content, loop = b"", asyncio.get_running_loop()
    began, at = 0.0, 0
    while len(content) < len(FILM):
        content += await reader.read(64 * 1024)
        if not began and len(content) >= after:
            began, at = loop.time(), len(content)
    return content, loop.time() - began, len(content) - at


async def held(plan: Plan, edge: Edge, path: str) -> None:
    plan.origin.put("/film.mp4", FILM)
    client = await edge.client()
    assert (await client.ask(path)).body == FILM
    await eventually(lambda: not edge.worker.fills._saving, "all is saved")
    assert "hit" in (await client.ask(path)).fields["cache-status"]


def paced_plan(plan: Plan, **more: Any) -> Plan:
    pacing = Pacing(PACE // 2, 2.0, 0, MIB // 2, 0)
    plan.routes = (Route("/", (plan.origin.url,), pacing=pacing, **more),)
    return plan


async def test_after_the_burst_the_pace_is_kept_on_either_lane(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with paced_plan(plan).start() as edge:
        await held(plan, edge, "/film.mp4")
        address = edge.worker.address
        reader, writer = await asyncio.open_connection(address.host, address.port)
        taken: list[bool] = []
        answer = edge.worker.lane.answer

        def watched(connection: Connection, data: bytes) -> bool:
            taken.append(answer(connection, data))
            return taken[-1]

        monkeypatch.setattr(edge.worker.lane, "stand_in", watched)
        for turn in range(3):
            content, seconds, size = await seconds_of(
                reader, writer, "/film.mp4", MIB if turn == 0 else 1
            )
            assert content == FILM
            assert size / seconds == pytest.approx(PACE, rel=WITHIN)
        # The first request spends the burst, the second is read in full, the third is as it was.
        assert taken == [False, False, True]
        writer.close()


async def test_a_token_limits_its_connection(plan: Plan) -> None:
    plan.token_keys = (KEY,)
    plan.routes = (Route("/", (plan.origin.url,), token=True),)
    claims = Claims("k", "/film.mp4", 1 << 40, bytes_per_second=PACE)
    free = Claims("k", "/film.mp4", 1 << 40)
    keys = {KEY.id: KEY.secret.encode()}
    async with plan.start() as edge:
        await held(plan, edge, f"/~{sign(free, keys)}/film.mp4")
        address = edge.worker.address
        reader, writer = await asyncio.open_connection(address.host, address.port)
        path = f"/~{sign(claims, keys)}/film.mp4"
        _, seconds, size = await seconds_of(reader, writer, path, MIB)
        assert size / seconds == pytest.approx(PACE, rel=WITHIN)
        writer.close()
        reader, writer = await asyncio.open_connection(address.host, address.port)
        _, seconds, size = await seconds_of(reader, writer, f"/~{sign(free, keys)}/film.mp4", 1)
        assert size / seconds > 2 * PACE
        writer.close()


async def test_what_is_fetched_meanwhile_is_paced_too(plan: Plan) -> None:
    async with paced_plan(plan).start() as edge:
        plan.origin.put("/film.mp4", FILM)
        address = edge.worker.address
        reader, writer = await asyncio.open_connection(address.host, address.port)
        content, seconds, size = await seconds_of(reader, writer, "/film.mp4", 2 * MIB)
        assert content == FILM
        assert size / seconds == pytest.approx(PACE, rel=WITHIN)
        writer.close()


async def test_a_route_without_pacing_has_none(edge: Edge, plan: Plan) -> None:
    await held(plan, edge, "/film.mp4")
    assert all(each.paced is None for each in edge.worker.server.connections.values())
