"""Connections of the lane: how many, how silent, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from cdnkit.service.app import HEALTH, TELEMETRY
from cdnkit.service.connections import Limits
from tests.helpers.raw_client import CutShortError, RawClient
from tests.origin.lane.doors import Doors, doors

TARGET = "/v1/content/film"
FILM = bytes(range(256)) * 20_000


def closed(pair: Doors, reason: str) -> float:
    return pair.app[TELEMETRY].value(
        "cinedge_connections_closed_total", tier="origin", reason=reason
    )


async def is_ended(client: RawClient) -> bool:
    async with asyncio.timeout(10):
        try:
            return await client._loop.sock_recv(client.sock, 1) == b""
        except ConnectionError:
            return True


async def test_silent_connections_are_ended_each_after_its_time(tmp_path: Path) -> None:
    limits = Limits(head_timeout_seconds=1, keepalive_timeout_seconds=1, write_timeout_seconds=1)
    async with doors(tmp_path, limits) as pair:
        await pair.put("film", FILM)
        fresh, answered, slow = [await pair.connect(4096) for _ in range(3)]
        assert (await answered.ask(TARGET, "Range: bytes=0-2")).body == FILM[:3]
        await slow.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % TARGET.encode())
        first = await slow._loop.sock_recv(slow.sock, 10)
        pair.lane.tick()
        assert len(pair.lane.connections) == 3
        for connection in pair.lane.connections:
            connection.seen_at -= 2
        pair.lane.tick()
        assert pair.lane.connections == set()
        assert await is_ended(fresh)
        assert await is_ended(answered)
        slow.buffer = first
        with pytest.raises(CutShortError):
            await slow.answer()
        assert (closed(pair, "head-timeout"), closed(pair, "write-timeout")) == (1, 1)


async def test_connections_beyond_the_maximum_are_closed_at_once(tmp_path: Path) -> None:
    async with doors(tmp_path, Limits(connections_max=2)) as pair:
        await pair.put("film", FILM)
        clients = [await pair.connect() for _ in range(2)]
        for client in clients:
            assert (await client.ask(TARGET, "Range: bytes=0-2")).status == 206
        assert await is_ended(await pair.connect())
        assert closed(pair, "too-many-connections") == 1
        clients.pop().sock.close()
        async with pair.lane_has(1):
            assert (await (await pair.connect()).ask(TARGET, "Range: bytes=0-2")).status == 206


async def test_at_the_end_answers_are_finished_and_idle_connections_closed(
    tmp_path: Path,
) -> None:
    async with doors(tmp_path) as pair:
        await pair.put("film", FILM)
        idle, busy = await pair.connect(), await pair.connect(4096)
        assert (await idle.ask(TARGET, "Range: bytes=0-2")).status == 206
        await busy.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % TARGET.encode())
        busy.buffer = await busy._loop.sock_recv(busy.sock, 10)
        pair.app[HEALTH].drain()
        closing = asyncio.create_task(pair.lane.close(20))
        assert await is_ended(idle)
        assert (await busy.answer()).body == FILM
        await closing
        assert await is_ended(busy)


async def test_at_the_end_a_client_that_takes_nothing_is_not_waited_for(tmp_path: Path) -> None:
    async with doors(tmp_path) as pair:
        await pair.put("film", FILM)
        slow = await pair.connect(4096)
        await slow.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % TARGET.encode())
        slow.buffer = await slow._loop.sock_recv(slow.sock, 10)
        pair.app[HEALTH].drain()
        await pair.lane.close(0.05)
        with pytest.raises(CutShortError):
            await slow.answer()


async def test_while_it_drains_the_full_server_says_so(tmp_path: Path) -> None:
    async with doors(tmp_path) as pair:
        await pair.put("film", FILM)
        client = await pair.connect()
        pair.app[HEALTH].drain()
        answer = await client.ask(TARGET, "Range: bytes=0-2")
        assert (answer.status, answer.fields["connection"]) == (206, "close")


async def test_the_gauge_of_connections_counts_both_kinds(tmp_path: Path) -> None:
    async with doors(tmp_path) as pair:
        gauge = pair.app[TELEMETRY]
        lane = await pair.connect()
        assert (await lane.ask("/v1/content/none", "Range: bytes=0-2")).status == 404
        assert gauge.value("cinedge_connections", tier="origin") == 1
        lane.sock.close()


async def ask_for_nothing(client: RawClient) -> None:
    assert (await client.ask("/v1/content/nothing")).status == 404


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_comes_back_from_the_full_server(
    tmp_path: Path, factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def main() -> None:
        async with doors(tmp_path) as pair:
            await pair.put("film", FILM)
            client = await pair.connect()
            for _ in range(3):
                await ask_for_nothing(client)
                assert len(pair.lane.connections) == 0
                for first in (0, 70_000):
                    answer = await client.ask(TARGET, f"Range: bytes={first}-{first + 99_999}")
                    assert answer.body == FILM[first : first + 100_000]
                    assert len(pair.lane.connections) == 1
            connections = pair.app[TELEMETRY].value("cinedge_connections", tier="origin")
            assert connections == 1
            clients = {line["client"] for line in await pair.lines()}
            assert clients == {"127.0.0.1"}

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


async def test_packets_with_several_requests_come_back_whole(tmp_path: Path) -> None:
    async with doors(tmp_path) as pair:
        await pair.put("film", FILM)
        client = await pair.connect()
        await ask_for_nothing(client)
        range_of = "GET {} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\n\r\n"
        both = (range_of * 2).format(TARGET, TARGET)
        await client.send(both.encode() + b"GET /v1/content/nothing HTTP/1.1\r\nHost: a\r\n\r\n")
        answers = [await client.answer() for _ in range(3)]
        assert [answer.status for answer in answers] == [206, 206, 404]


async def test_one_that_comes_back_for_nothing_stays(tmp_path: Path) -> None:
    async with doors(tmp_path) as pair:
        await pair.put("film", FILM)
        client = await pair.connect()
        await ask_for_nothing(client)
        several = await client.ask(TARGET, "Range: bytes=0-1,500000-500001")
        assert several.status == 206
        for _ in range(2):
            assert (await client.ask(TARGET, "Range: bytes=0-9")).body == FILM[:10]
            assert len(pair.lane.connections) == 0


async def test_none_comes_back_while_the_origin_stops(tmp_path: Path) -> None:
    async with doors(tmp_path) as pair:
        await pair.put("film", FILM)
        client = await pair.connect()
        await ask_for_nothing(client)
        pair.app[HEALTH].drain()
        assert (await client.ask(TARGET, "Range: bytes=0-9")).body == FILM[:10]
        assert len(pair.lane.connections) == 0
