from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from cdnkit.errors import UpstreamError, UpstreamTimeoutError
from edge.http1.response import RESPONSE_HEAD_BYTES_MAX, ResponseHead
from edge.upstream.connection import UpstreamConnection
from edge.upstream.limits import PoolLimits
from tests.edge.upstream.sinks import Collector, Full
from tests.helpers.scripted_origin import (
    Close,
    Expect,
    Reset,
    ScriptedOrigin,
    Send,
    Step,
    Tell,
    Wait,
    answer,
    exchanges,
)

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"
SHORT_SECONDS = 0.05


@asynccontextmanager
async def conversing(
    script: Sequence[Step],
    read_timeout_seconds: float = 5.0,
    limits: PoolLimits | None = None,
) -> AsyncIterator[tuple[UpstreamConnection, ScriptedOrigin]]:
    async with ScriptedOrigin([script]) as origin:
        limits = limits or PoolLimits(
            first_byte_timeout_seconds=read_timeout_seconds,
            read_timeout_seconds=read_timeout_seconds,
        )
        port = int(origin.url.rstrip("/").rpartition(":")[2])
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: UpstreamConnection(limits), "127.0.0.1", port
        )
        try:
            yield connection, origin
        finally:
            connection.abort()
            await origin.all_closed()


async def _get(
    connection: UpstreamConnection, sink: Collector | None = None
) -> tuple[ResponseHead, bytes, bool]:
    head = await connection.request(b"GET", GET)
    sink = sink or Collector()
    complete = await connection.pour(sink)
    return head, sink.content, complete


async def test_an_answer_fills_the_memory_of_the_sink_and_the_connection_serves_the_next() -> None:
    script = exchanges(answer(b"first content"), answer(b""), answer(b"x" * 300_000))
    async with conversing(script) as (connection, origin):
        assert not connection.reusable
        head, content, complete = await _get(connection)
        assert (head.status, content, complete) == (200, b"first content", True)
        assert connection.reusable
        assert (await _get(connection))[1:] == (b"", True)
        assert (await _get(connection, Collector(100_000)))[1:] == (b"x" * 300_000, True)
        assert connection.requests == 3
        assert origin.accepted_count == 1


@pytest.mark.parametrize("cut", range(0, 60, 3))
async def test_an_answer_in_two_pieces_is_the_same_answer(cut: int) -> None:
    whole = answer(b"0123456789abcdef").data
    go_on = asyncio.Event()
    script: list[Step] = [Expect(), Send(whole[:cut]), Wait(go_on), Send(whole[cut:])]
    async with conversing(script) as (connection, origin):
        asking = asyncio.ensure_future(_get(connection))
        await origin.requested(1)
        await asyncio.sleep(0)
        go_on.set()
        assert (await asking)[1:] == (b"0123456789abcdef", True)
        assert connection.reusable


async def test_interim_answers_are_handed_on_and_their_fields_stay_theirs() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    heard: list[int] = []
    async with conversing([Expect(), Send(interim + answer(b"ab").data)]) as (connection, _):
        head = await connection.request(b"GET", GET, lambda head: heard.append(head.status))
        assert heard == [103, 102]
        assert b"link" not in head.fields
        assert await connection.pour(Collector())
        assert connection.reusable


async def test_interim_answers_without_end_are_an_error() -> None:
    script: list[Step] = [Expect(), Send(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)]
    async with conversing(script) as (connection, _):
        with pytest.raises(UpstreamError, match="without end"):
            await connection.request(b"GET", GET)
        assert connection.closed


@pytest.mark.parametrize("together", [True, False])
async def test_bytes_after_the_end_cost_the_connection_and_not_the_answer(together: bool) -> None:
    whole = answer(b"ab").data
    sent, go_on = asyncio.Event(), asyncio.Event()
    steps: list[Step] = [Expect()]
    steps += [Send(whole + b"rest")] if together else [Send(whole), Wait(go_on), Send(b"rest")]
    async with conversing([*steps, Tell(sent)]) as (connection, origin):
        assert (await _get(connection))[1:] == (b"ab", True)
        go_on.set()
        await sent.wait()
        await origin.all_closed()
        assert not connection.reusable


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
async def test_content_where_none_belongs_costs_the_connection(method: bytes) -> None:
    status = b"200 OK" if method == b"HEAD" else b"304 Not Modified"
    async with conversing([Expect(), answer(b"ab", status=status)]) as (connection, _):
        await connection.request(method, GET)
        sink = Collector()
        assert await connection.pour(sink)
        assert sink.content == b""
        assert not connection.reusable


@pytest.mark.parametrize(
    ("answered", "got"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", b"short"),
        (CHUNKED + b"9\r\nshort", b"short"),
        (CHUNKED + b"5\r\nshort\r\n", b"short"),
        (CHUNKED + b"5\r\nshort\r\n0\r\n", b"short"),
    ],
)
@pytest.mark.parametrize("end", [Close(), Reset()])
async def test_content_cut_short_is_an_error(answered: bytes, got: bytes, end: Step) -> None:
    read = asyncio.Event()
    async with conversing([Expect(), Send(answered), Wait(read), end]) as (connection, _):
        await connection.request(b"GET", GET)
        sink = Collector(on_received=read.set)
        with pytest.raises(UpstreamError, match="short"):
            await connection.pour(sink)
        assert sink.content == got
        assert not connection.reusable


async def test_content_of_unannounced_length_ends_with_the_connection() -> None:
    async with conversing([Expect(), Send(UNTIL_CLOSE + b"all"), Close()]) as (connection, _):
        assert (await _get(connection))[1:] == (b"all", True)
        assert not connection.reusable


async def test_a_reset_is_no_end_of_content_of_unannounced_length() -> None:
    read = asyncio.Event()
    script: list[Step] = [Expect(), Send(UNTIL_CLOSE + b"some"), Wait(read), Reset()]
    async with conversing(script) as (connection, _):
        await connection.request(b"GET", GET)
        with pytest.raises(UpstreamError, match="short"):
            await connection.pour(Collector(on_received=read.set))


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
async def test_chunked_content_is_decoded_into_the_views_of_the_sink(step: int) -> None:
    stream = b"".join(b"%x\r\n%b\r\n" % (size, b"z" * size) for size in (1, 20, 7, 300))
    stream += b"0\r\nDigest: x\r\n\r\n"
    pieces = [Send(stream[start : start + step]) for start in range(0, len(stream), step)]
    async with conversing([Expect(), Send(CHUNKED), *pieces, *exchanges(answer(b"n"))]) as (c, _):
        sink = Collector(view_bytes=16)
        assert (await _get(c, sink))[1:] == (b"z" * 328, True)
        assert max(sink.sizes) <= 16
        assert (await _get(c))[1:] == (b"n", True)


async def test_garbled_chunks_are_an_error() -> None:
    async with conversing([Expect(), Send(CHUNKED + b"2\r\nabXX")]) as (connection, _):
        await connection.request(b"GET", GET)
        with pytest.raises(UpstreamError, match="malformed"):
            await connection.pour(Collector())
        assert connection.closed


@pytest.mark.parametrize(
    "answered",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * RESPONSE_HEAD_BYTES_MAX,
    ],
)
async def test_a_malformed_head_is_an_error_at_once(answered: bytes) -> None:
    async with conversing([Expect(), Send(answered)]) as (connection, _):
        with pytest.raises(UpstreamError):
            await connection.request(b"GET", GET)
        assert connection.closed


@pytest.mark.parametrize("end", [Close(), Reset()])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200"])
async def test_an_end_before_the_head_is_an_error(end: Step, said: bytes) -> None:
    async with conversing([Expect(), Send(said), end]) as (connection, _):
        with pytest.raises(UpstreamError, match="before it answered"):
            await connection.request(b"GET", GET)
        with pytest.raises(UpstreamError, match="was closed"):
            await connection.request(b"GET", GET)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n"])
async def test_silence_before_the_head_times_out(said: bytes) -> None:
    async with conversing([Expect(), Send(said)], SHORT_SECONDS) as (connection, _):
        with pytest.raises(UpstreamTimeoutError):
            await connection.request(b"GET", GET)
        assert connection.closed


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"])
async def test_a_head_that_drips_in_has_a_limit_as_a_whole(before: bytes) -> None:
    """Each byte comes long before the limit of silence."""
    dripping = [asyncio.Event() for _ in range(2000)]
    drops: list[Step] = [step for go_on in dripping for step in (Wait(go_on), Send(b"x"))]
    script: list[Step] = [Expect(), Send(before + b"HTTP/1.1 200 OK\r\nX-Slow: "), *drops]
    limits = PoolLimits(first_byte_timeout_seconds=SHORT_SECONDS, read_timeout_seconds=600)
    async with conversing(script, limits=limits) as (connection, _):
        asking = asyncio.ensure_future(connection.request(b"GET", GET))
        for go_on in dripping:
            go_on.set()
            await asyncio.wait([asking], timeout=SHORT_SECONDS / 20)
            if asking.done():
                break
        assert asking.done()
        with pytest.raises(UpstreamTimeoutError, match="in time"):
            await asking
        assert connection.closed
        assert not dripping[-1].is_set()
        for go_on in dripping:
            go_on.set()


async def test_a_slow_head_within_its_limit_is_an_answer_and_its_content_has_its_own() -> None:
    go_on = asyncio.Event()
    script: list[Step] = [Expect(), Send(b"HTTP/1.1 200 OK\r\nContent-"), Wait(go_on)]
    script += [Send(b"Length: 3\r\n\r\n"), Wait(late := asyncio.Event()), Send(b"abc")]
    limits = PoolLimits(first_byte_timeout_seconds=0.3, read_timeout_seconds=600)
    async with conversing(script, limits=limits) as (connection, _):
        asyncio.get_running_loop().call_soon(go_on.set)
        await connection.request(b"GET", GET)
        asyncio.get_running_loop().call_later(0.4, late.set)
        sink = Collector()
        assert await connection.pour(sink)
        assert sink.content == b"abc"


@pytest.mark.parametrize(
    "begun", [CHUNKED, UNTIL_CLOSE, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"]
)
async def test_silence_in_the_content_times_out(begun: bytes) -> None:
    async with conversing([Expect(), Send(begun + b"1\r\n")], SHORT_SECONDS) as (connection, _):
        await connection.request(b"GET", GET)
        with pytest.raises(UpstreamTimeoutError):
            await connection.pour(Collector())
        assert connection.closed


async def test_a_pause_of_ours_is_no_silence_of_the_upstream() -> None:
    go_on = asyncio.Event()
    whole = answer(b"x" * 100).data
    script: list[Step] = [Expect(), Send(whole[:-100]), Wait(go_on), Send(whole[-100:])]
    async with conversing(script, SHORT_SECONDS) as (connection, _):
        await connection.request(b"GET", GET)
        connection.pause()
        pouring = asyncio.ensure_future(connection.pour(Collector()))
        await asyncio.sleep(3 * SHORT_SECONDS)
        assert not pouring.done()
        go_on.set()
        connection.resume()
        assert await pouring


async def test_nothing_is_received_while_paused() -> None:
    sent = asyncio.Event()
    size = 8 * 1024 * 1024
    async with conversing([Expect(), answer(b"x" * size), Tell(sent)]) as (connection, _):
        await connection.request(b"GET", GET)
        sink = Collector(view_bytes=64 * 1024)
        paused = asyncio.Event()

        def pause_once() -> None:
            if len(sink.sizes) == 2:
                connection.pause()
                paused.set()

        sink.on_received = pause_once
        pouring = asyncio.ensure_future(connection.pour(sink))
        await paused.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(sink.sizes) == 2
        assert not sent.is_set()
        connection.resume()
        assert await pouring
        assert len(sink.content) == size


async def test_a_pause_does_not_outlive_its_answer() -> None:
    async with conversing(exchanges(answer(b"abc"), answer(b"def"))) as (connection, _):
        sink = Collector(on_received=connection.pause)
        await connection.request(b"GET", GET)
        pouring = asyncio.ensure_future(connection.pour(sink))
        await asyncio.sleep(0)
        connection.resume()
        assert await pouring
        connection.resume()
        assert (await _get(connection))[1:] == (b"def", True)


@pytest.mark.parametrize(
    "begun", [CHUNKED + b"64\r\n", UNTIL_CLOSE, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"]
)
async def test_a_sink_that_wants_no_more_ends_the_connection(begun: bytes) -> None:
    async with conversing([Expect(), Send(begun + b"x" * 100)]) as (connection, _):
        _, content, complete = await _get(connection, Collector(10, wanted_bytes=20))
        assert (content, complete) == (b"x" * 20, False)
        assert connection.closed


@pytest.mark.parametrize("apart", [True, False])
async def test_a_sink_that_stops_with_the_last_byte_had_it_all(apart: bool) -> None:
    whole = answer(b"x" * 20).data
    go_on = asyncio.Event()
    head_bytes = len(whole) - 20
    steps: list[Step] = [Expect(), Send(whole[:head_bytes]), Wait(go_on), Send(whole[head_bytes:])]
    script: list[Step] = steps if apart else [Expect(), Send(whole)]
    async with conversing(script) as (connection, _):
        await connection.request(b"GET", GET)
        go_on.set()
        sink = Collector(10, wanted_bytes=20)
        assert await connection.pour(sink)
        assert sink.content == b"x" * 20
        assert connection.reusable


@pytest.mark.parametrize(
    "begun", [CHUNKED + b"64\r\n", UNTIL_CLOSE, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"]
)
async def test_a_sink_without_room_gets_no_more_and_nothing_hangs(begun: bytes) -> None:
    async with conversing([Expect(), Send(begun + b"x" * 100)]) as (connection, _):
        _, content, complete = await _get(connection, Full(30))
        assert (content, complete) == (b"x" * 30, False)
        assert connection.closed


async def test_a_sink_that_fails_costs_the_connection_and_is_reported() -> None:
    def fail() -> None:
        raise OSError("no room")

    async with conversing([Expect(), answer(b"abc")]) as (connection, _):
        await connection.request(b"GET", GET)
        with pytest.raises(OSError, match="no room"):
            await connection.pour(Collector(on_received=fail))
        assert connection.closed


@pytest.mark.parametrize("pouring", [True, False])
async def test_who_gives_up_waiting_closes_the_connection(pouring: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    async with conversing([Expect(), Send(head if pouring else b"")]) as (connection, origin):
        asking = asyncio.ensure_future(_get(connection))
        await origin.requested(1)
        for _ in range(5):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await origin.all_closed()
        assert not connection.reusable


async def test_content_goes_up_while_the_answer_is_awaited() -> None:
    put = b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n"
    async with conversing([Expect(b"PUT", 6), answer(b"ok")]) as (connection, origin):
        connection.start(b"PUT", put)
        await connection.write(b"abc")
        await connection.write(b"def")
        assert (await connection.answer()).status == 200
        assert await connection.pour(Collector())
        assert origin.requests == [put + b"abcdef"]
        assert connection.reusable


async def test_a_slow_client_is_no_silence_of_the_upstream() -> None:
    put = b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"
    async with conversing([Expect(b"PUT", 10), answer(b"")], 4 * SHORT_SECONDS) as (connection, _):
        connection.start(b"PUT", put)
        for _ in range(10):
            await asyncio.sleep(SHORT_SECONDS)
            await connection.write(b"x")
        assert (await connection.answer()).status == 200


async def test_a_connection_whose_request_was_not_sent_whole_is_not_used_again() -> None:
    put = b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"
    async with conversing([Expect(b"PUT"), answer(b"no")]) as (connection, _):
        connection.start(b"PUT", put)
        await connection.answer()
        connection.forbid_reuse()
        assert await connection.pour(Collector())
        assert not connection.reusable
        assert connection.closed


async def test_an_idle_connection_that_the_upstream_ends_is_not_reusable() -> None:
    async with conversing([*exchanges(answer(b"ab")), Close()]) as (connection, origin):
        assert (await _get(connection))[1:] == (b"ab", True)
        await origin.all_closed()
        for _ in range(1000):
            if not connection.reusable:
                return
            await asyncio.sleep(0.001)
        pytest.fail("the connection is still taken for usable")
