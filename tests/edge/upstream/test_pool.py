from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdnkit.errors import UpstreamError, UpstreamTimeoutError
from edge.upstream.connection import UpstreamConnection
from edge.upstream.endpoint import Endpoint
from edge.upstream.limits import PoolLimits
from edge.upstream.pool import Pool
from tests.edge.upstream.sinks import Collector
from tests.helpers.scripted_origin import (
    Close,
    Expect,
    ScriptedOrigin,
    Send,
    Step,
    answer,
    exchanges,
)

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
FOREVER = exchanges(*[answer(b"ok")] * 200)


def _pool(origin: ScriptedOrigin, connections_max: int = 64, read_seconds: float = 5.0) -> Pool:
    limits = PoolLimits(connections_max, first_byte_timeout_seconds=read_seconds)
    return Pool(Endpoint.from_url(origin.url), limits)


async def _fetch(pool: Pool, method: bytes = b"GET") -> bytes:
    connection, _ = await pool.ask(method, GET.replace(b"GET", method))
    sink = Collector()
    try:
        await connection.pour(sink)
    finally:
        pool.release(connection)
    return sink.content


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_requests_one_after_another_share_a_connection() -> None:
    async with ScriptedOrigin([FOREVER]) as origin:
        pool = _pool(origin)
        assert [await _fetch(pool) for _ in range(5)] == [b"ok"] * 5
        assert (origin.accepted_count, pool.open_count) == (1, 1)
        pool.close()
        await origin.all_closed()
        assert pool.open_count == 0


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", b"late rest of an earlier answer\r\n\r\n"])
async def test_a_reused_connection_that_was_stale_is_tried_again_once(said: bytes) -> None:
    stale: list[Step] = [*exchanges(answer(b"ok")), Expect(), Send(said), Close()]
    async with ScriptedOrigin([stale, FOREVER]) as origin:
        pool = _pool(origin)
        assert [await _fetch(pool) for _ in range(3)] == [b"ok"] * 3
        assert (origin.accepted_count, len(origin.requests)) == (2, 4)
        assert pool.open_count == 1
        pool.close()


async def test_a_fresh_connection_that_dies_is_an_error_and_not_tried_again() -> None:
    async with ScriptedOrigin(
        [[*exchanges(answer(b"ok")), Expect(), Close()], [Close()]]
    ) as origin:
        pool = _pool(origin)
        await _fetch(pool)
        with pytest.raises(UpstreamError):
            await _fetch(pool)
        assert origin.accepted_count == 2
        assert pool.open_count == 0


async def test_an_idle_connection_that_ended_meanwhile_is_passed_over() -> None:
    async with ScriptedOrigin([[*exchanges(answer(b"ok")), Close()], FOREVER]) as origin:
        pool = _pool(origin)
        await _fetch(pool)
        await origin.all_closed()
        await _fetch(pool)
        assert (len(origin.requests), pool.open_count) == (2, 1)
        pool.close()


async def test_what_may_not_be_repeated_never_meets_a_stale_connection() -> None:
    async with ScriptedOrigin([exchanges(answer(b"ok")), FOREVER]) as origin:
        pool = _pool(origin)
        await _fetch(pool)
        assert await _fetch(pool, b"POST") == b"ok"
        assert origin.accepted_count == 2
        pool.close()


async def test_silence_is_not_tried_again() -> None:
    async with ScriptedOrigin([[*exchanges(answer(b"ok")), Expect()]]) as origin:
        pool = _pool(origin, read_seconds=0.05)
        await _fetch(pool)
        with pytest.raises(UpstreamTimeoutError):
            await _fetch(pool)
        assert (origin.accepted_count, pool.open_count) == (1, 0)


async def test_an_upstream_that_is_not_there_is_an_error_and_costs_no_slot() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        endpoint = Endpoint.from_url(f"http://127.0.0.1:{held.getsockname()[1]}")
        pool = Pool(endpoint, PoolLimits(1))
        for _ in range(3):
            with pytest.raises(UpstreamError, match="could not be reached"):
                await pool.ask(b"GET", GET)
        assert pool.open_count == 0


async def test_the_cap_makes_requests_wait_in_order_and_newcomers_do_not_overtake() -> None:
    async with ScriptedOrigin([FOREVER]) as origin:
        pool = _pool(origin, connections_max=1)
        served: list[int] = []

        async def one(number: int) -> None:
            connection, _ = await pool.acquire()
            served.append(number)
            pool.release(connection)

        first, _ = await pool.acquire()
        waiting = [asyncio.ensure_future(one(number)) for number in range(3)]
        await _settle()
        pool.release(first)
        # Comes after the slot was given back and before the first in the queue woke up.
        newcomer = asyncio.ensure_future(one(3))
        await asyncio.gather(*waiting, newcomer)
        assert served == [0, 1, 2, 3]
        assert origin.open_peak <= 2
        assert pool.open_count == 0


async def test_the_cap_holds_for_fresh_connections_beside_idle_ones() -> None:
    async with ScriptedOrigin([FOREVER]) as origin:
        pool = _pool(origin, connections_max=2)
        lent = [(await pool.ask(b"GET", GET))[0] for _ in range(2)]
        for connection in lent:
            await connection.pour(Collector())
            pool.release(connection)
        assert pool.open_count == 2
        fresh, reused = await pool.acquire(fresh=True)
        assert (reused, pool.open_count) == (False, 2)
        pool.release(fresh)
        pool.close()
        await origin.all_closed()


@pytest.mark.parametrize("granted", [True, False])
async def test_a_waiter_that_gives_up_loses_no_slot(granted: bool) -> None:
    async with ScriptedOrigin([FOREVER]) as origin:
        pool = _pool(origin, connections_max=1)
        first, _ = await pool.acquire()
        quitter = asyncio.ensure_future(pool.acquire())
        patient = asyncio.ensure_future(pool.acquire())
        await _settle()
        if granted:
            pool.release(first)
            quitter.cancel()
        else:
            quitter.cancel()
            await _settle()
            pool.release(first)
        second, _ = await patient
        assert quitter.cancelled()
        pool.release(second)
        assert pool.open_count == 0
        assert await _fetch(pool) == b"ok"
        pool.close()


async def test_who_gives_up_while_connecting_or_asking_loses_no_slot() -> None:
    async with ScriptedOrigin([[Expect()]]) as origin:
        pool = _pool(origin, connections_max=1)
        for turns in range(8):
            asking = asyncio.ensure_future(pool.ask(b"GET", GET))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert pool.open_count == 0
        await origin.all_closed()


async def test_giving_back_twice_counts_once() -> None:
    async with ScriptedOrigin([FOREVER]) as origin:
        pool = _pool(origin, connections_max=1)
        connection, _ = await pool.ask(b"GET", GET)
        await connection.pour(Collector())
        pool.release(connection)
        pool.release(connection)
        assert pool.open_count == 1
        first, _ = await pool.acquire()
        waiting = asyncio.ensure_future(pool.acquire())
        await _settle()
        assert not waiting.done()
        pool.release(first)
        pool.release((await waiting)[0])
        pool.close()


async def test_a_closed_pool_turns_away_and_takes_back_without_keeping() -> None:
    async with ScriptedOrigin([FOREVER]) as origin:
        pool = _pool(origin, connections_max=1)
        connection, _ = await pool.ask(b"GET", GET)
        waiting = asyncio.ensure_future(pool.acquire())
        await _settle()
        pool.close()
        with pytest.raises(UpstreamError, match="being closed"):
            await waiting
        with pytest.raises(UpstreamError, match="being closed"):
            await pool.acquire()
        await connection.pour(Collector())
        assert connection.reusable
        pool.release(connection)
        assert pool.open_count == 0
        await origin.all_closed()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 3),
    st.lists(st.sampled_from(["ask", "fresh", "release", "kill", "cancel", "turn"]), max_size=30),
)
def test_whatever_happens_the_accounts_are_right(connections_max: int, events: list[str]) -> None:
    async def scenario() -> None:
        async with ScriptedOrigin([FOREVER]) as origin:
            pool = _pool(origin, connections_max)
            waiting: list[asyncio.Task[tuple[UpstreamConnection, bool]]] = []
            lent: list[UpstreamConnection] = []
            for event in events:
                match event:
                    case "ask" | "fresh":
                        waiting.append(asyncio.ensure_future(pool.acquire(fresh=event == "fresh")))
                    case "release" if lent:
                        connection = lent.pop()
                        await connection.request(b"GET", GET)
                        await connection.pour(Collector())
                        pool.release(connection)
                    case "kill" if lent:
                        lent[0].abort()
                        pool.release(lent.pop(0))
                    case "cancel" if waiting:
                        waiting.pop().cancel()
                    case _:
                        await asyncio.sleep(0.001)
                lent += [task.result()[0] for task in waiting if task.done()]
                waiting = [task for task in waiting if not task.done()]
                assert len(lent) <= connections_max
                assert pool.open_count <= 2 * connections_max
            pool.close()
            results = await asyncio.gather(*waiting, return_exceptions=True)
            lent += [result[0] for result in results if isinstance(result, tuple)]
            for connection in lent:
                pool.release(connection)
            await _settle()
            assert pool.open_count == 0
            await origin.all_closed()

    asyncio.run(scenario())


async def test_waiting_for_a_connection_has_a_limit_and_leaves_no_slot_behind() -> None:
    async with ScriptedOrigin([FOREVER]) as origin:
        limits = PoolLimits(1, wait_timeout_seconds=0.01)
        pool = Pool(Endpoint.from_url(origin.url), limits)
        connection, _ = await pool.acquire()
        for _ in range(3):
            with pytest.raises(UpstreamTimeoutError, match="no connection free"):
                await pool.acquire()
        pool.release(connection)
        assert pool.open_count == 0
        assert await _fetch(pool) == b"ok"
        pool.close()
