from __future__ import annotations

from dataclasses import replace

import pytest

from cdnkit.errors import UpstreamError
from edge.upstream.endpoint import Endpoint
from edge.upstream.health import ASIDE_SECONDS
from edge.upstream.lent import Lent
from edge.upstream.limits import PoolLimits
from edge.upstream.pool import Pool
from edge.upstream.upstreams import Upstreams
from tests.edge.upstream.sinks import Collector
from tests.helpers.clock import FakeClock
from tests.helpers.scripted_origin import (
    Close,
    Expect,
    ScriptedOrigin,
    Step,
    answer,
    exchanges,
)

WELL = exchanges(*[answer(b"ok")] * 20)
BUSY: list[Step] = exchanges(*[answer(b"busy", status=b"503 Busy")] * 20)
DEAD: list[Step] = [Expect(), Close()]


def _head(endpoint: Endpoint) -> bytes:
    return b"GET %ba HTTP/1.1\r\nHost: %b\r\n\r\n" % (endpoint.base_path, endpoint.authority)


def _upstreams(clock: FakeClock, *origins: ScriptedOrigin) -> Upstreams:
    return Upstreams([origin.url for origin in origins], PoolLimits(2), clock)


async def _finish(lent: Lent) -> bytes:
    sink = Collector()
    await lent.connection.pour(sink)
    lent.release()
    return sink.content


async def test_the_first_in_order_is_asked_and_the_times_are_told() -> None:
    clock = FakeClock(100.0)
    async with ScriptedOrigin([WELL]) as first, ScriptedOrigin([WELL]) as second:
        upstreams = _upstreams(clock, first, second)
        for _ in range(3):
            lent = await upstreams.ask(b"GET", _head)
            assert (lent.requested_at, lent.received_at) == (100.0, 100.0)
            assert await _finish(lent) == b"ok"
        assert (len(first.requests), len(second.requests)) == (3, 0)
        upstreams.close()
        await first.all_closed()


async def _connected(upstreams: Upstreams) -> Pool:
    """The upstream that takes a connection."""
    pool, connection = await upstreams.connect()
    connection.abort()
    pool.release(connection)
    return pool


@pytest.mark.parametrize("bad", [DEAD, BUSY])
async def test_one_that_failed_is_set_aside_for_a_while(bad: list[Step]) -> None:
    clock = FakeClock(100.0)
    async with ScriptedOrigin([bad]) as first, ScriptedOrigin([WELL]) as second:
        upstreams = _upstreams(clock, first, second)
        for _ in range(3):
            assert await _finish(await upstreams.ask(b"GET", _head)) == b"ok"
        assert (len(first.requests), len(second.requests)) == (1, 3)
        assert await _connected(upstreams) is upstreams.pools[1]
        clock.advance(ASIDE_SECONDS)
        assert await _finish(await upstreams.ask(b"GET", _head)) == b"ok"
        assert (len(first.requests), len(second.requests)) == (2, 4)
        upstreams.close()
        await first.all_closed()
        await second.all_closed()
        assert [pool.open_count for pool in upstreams.pools] == [0, 0]


async def test_when_none_is_left_those_set_aside_are_asked_and_the_last_error_is_told() -> None:
    clock = FakeClock(100.0)
    async with ScriptedOrigin([DEAD]) as first, ScriptedOrigin([DEAD]) as second:
        upstreams = _upstreams(clock, first, second)
        for count in (1, 2):
            with pytest.raises(UpstreamError):
                await upstreams.ask(b"GET", _head)
            assert (len(first.requests), len(second.requests)) == (count, count)


async def test_the_last_one_may_say_that_it_is_busy() -> None:
    clock = FakeClock(100.0)
    async with ScriptedOrigin([DEAD]) as first, ScriptedOrigin([BUSY]) as second:
        upstreams = _upstreams(clock, first, second)
        lent = await upstreams.ask(b"GET", _head)
        assert lent.head.status == 503
        assert await _finish(lent) == b"busy"
        upstreams.close()


async def test_an_answer_that_helps_ends_the_setting_aside() -> None:
    clock = FakeClock(100.0)
    script = [DEAD, WELL]
    async with ScriptedOrigin(script) as first, ScriptedOrigin([DEAD]) as second:
        upstreams = _upstreams(clock, first, second)
        with pytest.raises(UpstreamError):
            await upstreams.ask(b"GET", _head)
        assert await _finish(await upstreams.ask(b"GET", _head)) == b"ok"
        assert await _connected(upstreams) is upstreams.pools[0]
        upstreams.close()


async def test_a_route_without_upstreams_says_so() -> None:
    with pytest.raises(UpstreamError, match="no upstream"):
        await Upstreams([], PoolLimits(), FakeClock(0.0)).ask(b"GET", _head)


async def test_what_must_not_be_sent_twice_goes_to_the_first_that_can_be_reached() -> None:
    clock = FakeClock(100.0)
    async with ScriptedOrigin([WELL]) as first, ScriptedOrigin([WELL]) as second:
        upstreams = _upstreams(clock, first, second)
        assert await _connected(upstreams) is upstreams.pools[0]
        dead = Upstreams(["http://127.0.0.1:1", second.url], PoolLimits(), clock)
        assert await _connected(dead) is dead.pools[1]
    with pytest.raises(UpstreamError, match="reached"):
        await dead.connect()
    with pytest.raises(UpstreamError, match="no upstream"):
        await Upstreams([], PoolLimits(), clock).connect()


def _with_inner(clock: FakeClock, inner: ScriptedOrigin, outer: ScriptedOrigin) -> Upstreams:
    endpoint = replace(Endpoint.from_url(inner.url), node="edge-2")
    return Upstreams([outer.url], PoolLimits(2), clock, inner=[endpoint])


async def test_inner_ones_are_asked_when_the_question_says_so_and_never_without() -> None:
    clock = FakeClock(100.0)
    async with ScriptedOrigin([WELL]) as inner, ScriptedOrigin([WELL]) as outer:
        upstreams = _with_inner(clock, inner, outer)
        lent = await upstreams.ask(b"GET", _head, first=[0])
        assert (lent.pool.endpoint.node, lent.failed_over) == ("edge-2", False)
        await _finish(lent)
        lent = await upstreams.ask(b"GET", _head)
        assert (lent.pool.endpoint.node, lent.failed_over) == ("", False)
        await _finish(lent)
        assert await _connected(upstreams) is upstreams.pools[1]
        upstreams.close()


async def test_one_that_would_not_speak_for_it_is_no_worse_for_that() -> None:
    clock = FakeClock(100.0)
    misdirected = exchanges(*[answer(b"", status=b"421 No")] * 20)
    async with ScriptedOrigin([misdirected] * 3) as inner, ScriptedOrigin([WELL]) as outer:
        upstreams = _with_inner(clock, inner, outer)
        for _ in range(2):
            lent = await upstreams.ask(b"GET", _head, first=[0])
            assert lent.failed_over
            assert await _finish(lent) == b"ok"
        assert len(inner.requests) == 2
        upstreams.close()


async def test_the_word_of_an_inner_one_is_never_the_last() -> None:
    clock = FakeClock(100.0)
    async with ScriptedOrigin([BUSY] * 3) as inner, ScriptedOrigin([DEAD] * 3) as outer:
        upstreams = _with_inner(clock, inner, outer)
        for _ in range(2):
            with pytest.raises(UpstreamError):
                await upstreams.ask(b"GET", _head, first=[0])
        upstreams.close()
