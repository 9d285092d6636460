"""Start, signals, draining, and the exit status."""

from __future__ import annotations

import asyncio
import os
import signal
import socket

import aiohttp
import pytest
import uvloop
from aiohttp import web
from structlog.testing import capture_logs

from cdnkit.errors import BadRequestError
from cdnkit.service.app import ACCESS_LOG, build_app
from cdnkit.service.health import Health, State
from cdnkit.service.logs import AccessLog
from cdnkit.service.metrics import Telemetry
from cdnkit.service.run import Listening, Stop, make_runner, reopen_logs, run, serve, wait_for_stop
from tests.cdnkit.service.conftest import MemorySink, Start


def plain_app(*routes: web.RouteDef) -> web.Application:
    return build_app(
        tier="edge", name="e1", telemetry=Telemetry("edge", "e1"), health=Health(), routes=routes
    )


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8"),
        ("0.0.0.0", "http://127.0.0.1:8"),
        ("::", "http://[::1]:8"),
        ("", "http://127.0.0.1:8"),
        ("2001:db8::1", "http://[2001:db8::1]:8"),
    ],
)
def test_the_url_is_one_that_can_be_asked(host: str, url: str) -> None:
    assert Listening(host, 8).url == url


async def test_port_zero_is_a_real_port_of_ours_alone(start: Start) -> None:
    first, second = await start(), await start()
    assert first.listening.port not in (0, second.listening.port)


async def test_a_taken_port_is_an_error_and_leaves_nothing_running() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="address already in use"):
            async with serve(plain_app(), "127.0.0.1", taken.getsockname()[1]):
                pytest.fail("bound twice")


async def test_workers_may_share_a_port() -> None:
    async with (
        serve(plain_app(), "127.0.0.1", 0, reuse_port=True) as first,
        serve(plain_app(), "127.0.0.1", first.port, reuse_port=True) as second,
    ):
        assert first.port == second.port


def test_handlers_are_cancelled_and_bodies_left_as_they_are() -> None:
    runner = make_runner(plain_app())

    async def main() -> None:
        await runner.setup()
        server = runner.server
        assert server is not None
        assert server.handler_cancellation
        assert server().keepalive_timeout == 75.0
        assert server._kwargs["auto_decompress"] is False
        assert server._kwargs["access_log"] is None
        await runner.cleanup()

    asyncio.run(main())


async def test_draining_finishes_what_runs_and_takes_nothing_new(start: Start) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        begun.set()
        await release.wait()
        return web.Response(text="done")

    rig = await start([web.get("/slow", slow)])
    asked = asyncio.create_task(rig.raw(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"))
    await begun.wait()
    closing = asyncio.create_task(rig.stack.aclose())
    async with asyncio.timeout(5):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", rig.listening.port)
            except ConnectionRefusedError:
                break
            writer.close()
            await asyncio.sleep(0)
    assert rig.health.state is State.DRAINING
    release.set()
    answer = await asked
    await closing
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"done")
    assert [line["status"] for line in rig.sink.lines()] == [200]


async def test_notice_is_given_before_connections_are_refused() -> None:
    inside, leave, draining = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Watched(Health):
        def drain(self) -> None:
            super().drain()
            draining.set()

    health = Watched()
    app = build_app(tier="edge", name="e", telemetry=Telemetry("edge", "e"), health=health)

    async def main() -> None:
        async with serve(app, "127.0.0.1", 0, notice_seconds=0.3) as listening:
            ports.append(listening.port)
            health.started()
            inside.set()
            await leave.wait()

    ports: list[int] = []
    task = asyncio.create_task(main())
    await inside.wait()
    leave.set()
    async with asyncio.timeout(5), aiohttp.ClientSession() as client:
        await draining.wait()
        async with client.get(f"http://127.0.0.1:{ports[0]}/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["status"] == "draining"
            assert answer.headers["Connection"] == "close"
    await task


async def test_grace_ends(start: Start) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def endless(request: web.Request) -> web.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return web.Response()

    rig = await start([web.get("/film", endless)], grace_seconds=0.2)
    asked = asyncio.create_task(rig.raw(b"GET /film HTTP/1.1\r\nHost: a\r\n\r\n"))
    await begun.wait()
    loop = asyncio.get_running_loop()
    before = loop.time()
    await rig.stack.aclose()
    assert 0.1 <= loop.time() - before < 2.0
    async with asyncio.timeout(5):
        await cancelled.wait()
    assert await asked == b""
    assert [line["error"] for line in rig.sink.lines()] == ["stopped"]


async def test_an_error_inside_the_block_drains_too() -> None:
    app = plain_app()
    with pytest.raises(RuntimeError, match="inside"):
        async with serve(app, "127.0.0.1", 0) as listening:
            raise RuntimeError("inside")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", listening.port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait(number: signal.Signals) -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        async with asyncio.timeout(5):
            await wait_for_stop()

    assert run(main) == 0


def test_a_second_interrupt_ends_the_process_the_hard_way() -> None:
    async def main() -> None:
        with Stop() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            await stop.wait()
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(5)

    assert run(main) == 130


def test_hangup_reopens_the_logs_and_stops_nothing() -> None:
    sink = MemorySink()

    async def main() -> None:
        log = AccessLog(sink)
        app = build_app(
            tier="edge",
            name="e",
            telemetry=Telemetry("edge", "e"),
            health=Health(),
            access_log=log,
        )
        called = asyncio.Event()

        def hang_up() -> None:
            reopen_logs(app)()
            called.set()

        with Stop(hang_up) as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            async with asyncio.timeout(5):
                await called.wait()
            await app[ACCESS_LOG].flush()
            stop.request()
            await stop.wait()

    assert run(main) == 0
    assert sink.reopened == 1


def test_it_is_uvloop() -> None:
    seen: list[type[asyncio.AbstractEventLoop]] = []

    async def main() -> None:
        seen.append(type(asyncio.get_running_loop()))

    assert run(main) == 0
    assert seen == [uvloop.Loop]


def test_errors_that_people_can_mend_are_one_line_and_status_1() -> None:
    async def bad() -> None:
        raise BadRequestError("No such edge.")

    async def taken() -> None:
        raise OSError(98, "Address already in use")

    async def unknown() -> None:
        raise socket.gaierror(-2, "Name or service not known")

    with capture_logs() as events:
        assert run(bad) == 1
        assert run(taken) == 1
        assert run(unknown) == 1
    assert [event["detail"] for event in events] == [
        "No such edge.",
        "[Errno 98] Address already in use",
        "[Errno -2] Name or service not known",
    ]


def test_our_own_mistakes_keep_their_traceback() -> None:
    async def bug() -> None:
        raise KeyError("bug")

    async def lost() -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    with pytest.raises(KeyError):
        run(bug)
    with pytest.raises(ConnectionResetError):
        run(lost)
