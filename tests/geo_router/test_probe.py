"""The poller against real sockets: what it sees, how fast, and that it outlives everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientSession, ClientTimeout
from yarl import URL

from config.topology import RouterSettings
from geo_router.fleet import Fleet, Limits, Observation, Result, State
from geo_router.probe import Prober, Target, judge, look, look_well, targets_of
from geo_router.tripwire import Patience
from tests.geo_router.scripted_edge import DRAINING, ScriptedEdge
from tests.helpers.clock import FakeClock

FAST = RouterSettings(probe_interval_seconds=0.05, probe_timeout_seconds=0.2)


class Watcher:
    """Waits for the fleet to say something, by events."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Observation]] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, edge: str, seen: Observation, changed: bool) -> None:
        self.seen.append((edge, seen))
        task = asyncio.create_task(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def until(self, fleet: Fleet, edge: str, state: State, limit_seconds: float = 5) -> None:
        async with asyncio.timeout(limit_seconds), self._news:
            await self._news.wait_for(lambda: fleet[edge].state is state)


@asynccontextmanager
async def polling(
    urls: dict[str, str], settings: RouterSettings = FAST
) -> AsyncIterator[tuple[Fleet, Watcher]]:
    fleet = Fleet(urls, Limits(settings.down_after, settings.up_after), 0.0)
    watcher = Watcher()
    clock = FakeClock(100.0)

    def observe(target: Target, seen: Observation) -> bool:
        changed = fleet.observe(target.edge, seen, clock())
        watcher(target.edge, seen, changed)
        return fleet[target.edge].state is State.SUSPECT

    targets = [target for name, url in urls.items() for target in targets_of(name, url, ())]
    async with Prober(targets, settings, chance=lambda: 0.0, observe=observe):
        yield fleet, watcher


async def test_a_ready_edge_is_up_and_a_closed_port_is_down_with_its_reason() -> None:
    async with ScriptedEdge() as edge, ScriptedEdge() as closed:
        await closed.die()
        urls = {"a": edge.url, "b": closed.url}
        async with polling(urls) as (fleet, watcher):
            await watcher.until(fleet, "a", State.UP)
            await watcher.until(fleet, "b", State.DOWN)
            assert fleet.is_polled
            assert fleet["b"].reason == "cannot connect: Connection refused"
            assert fleet["b"].probed_at == 100.0
            assert (fleet["a"].latency_seconds or 0) > 0


async def test_a_dead_edge_is_down_within_three_seconds_at_default_settings() -> None:
    async with ScriptedEdge() as edge:
        urls = {"a": edge.url}
        async with polling(urls, RouterSettings()) as (fleet, watcher):
            await watcher.until(fleet, "a", State.UP)
            await edge.die()
            await watcher.until(fleet, "a", State.DOWN, limit_seconds=3)


async def test_an_edge_that_hangs_is_left_within_three_seconds_at_default_settings() -> None:
    async with ScriptedEdge() as edge:
        urls = {"a": edge.url}
        async with polling(urls, RouterSettings()) as (fleet, watcher):
            await watcher.until(fleet, "a", State.UP)
            edge.hang = True
            await watcher.until(fleet, "a", State.SLOW, limit_seconds=3)
            assert fleet["a"].reason == "no answer within 0.8 s"


async def test_an_edge_that_comes_back_is_up_again() -> None:
    async with ScriptedEdge() as edge, polling({"a": edge.url}) as (fleet, watcher):
        await watcher.until(fleet, "a", State.UP)
        await edge.die()
        await watcher.until(fleet, "a", State.DOWN)
        await edge.live()
        await watcher.until(fleet, "a", State.UP)
        assert fleet["a"].successes == 3


async def test_a_draining_edge_says_so_itself() -> None:
    async with ScriptedEdge() as edge, polling({"a": edge.url}) as (fleet, watcher):
        await watcher.until(fleet, "a", State.UP)
        edge.status, edge.body = 503, DRAINING
        await watcher.until(fleet, "a", State.DRAINING)


async def test_an_answer_that_comes_in_pieces_is_read_whole() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (DRAINING[:10], DRAINING[10:]):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, ClientSession() as session:
        seen = await look(session, URL(f"http://127.0.0.1:{port}/readyz"), lambda: 0.0)
    assert seen.result is Result.DRAINING


async def test_a_listener_that_raises_does_not_end_the_watch() -> None:
    async with ScriptedEdge() as edge:
        enough = asyncio.Event()

        def raise_always(target: Target, seen: Observation) -> bool:
            if edge.probes >= 3:
                enough.set()
            raise RuntimeError("a broken listener")

        targets = targets_of("a", edge.url, ())
        async with Prober(targets, FAST, chance=lambda: 0.0, observe=raise_always):
            async with asyncio.timeout(5):
                await enough.wait()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: /livez\r\nContent-Length: 0\r\n\r\n", "answered 302"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", "cut its answer short"),
        (b"", "closed the connection without an answer"),
    ],
)
async def test_whatever_answers_becomes_a_failure_with_a_reason(answer: bytes, reason: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, ClientSession(timeout=ClientTimeout(total=2)) as session:
        seen = await look(session, URL(f"http://127.0.0.1:{port}/readyz"), lambda: 0.0)
    assert seen.result is Result.FAILED
    assert reason in seen.reason


@pytest.mark.parametrize(
    ("status", "body", "result", "reason"),
    [
        (200, b"", Result.ANSWERED, "ready"),
        (200, b"[" * 60000, Result.ANSWERED, "ready"),
        (200, b'{"status": "draining"}', Result.ANSWERED, "ready"),
        (503, DRAINING, Result.DRAINING, "says it is draining"),
        (503, b'{"status": "starting"}', Result.FAILED, "answered 503"),
        (
            503,
            b'{"status": "failing", "checks": {"disk": "read-only", "feed": "ok"}}',
            Result.FAILED,
            "answered 503: disk read-only",
        ),
        (503, b"\xff", Result.FAILED, "answered 503"),
        (404, b"", Result.FAILED, "answered 404"),
    ],
)
def test_an_answer_is_judged_by_status_and_body(
    status: int, body: bytes, result: Result, reason: str
) -> None:
    seen = judge(status, body, 0.01)
    assert (seen.result, seen.reason, seen.latency_seconds) == (result, reason, 0.01)


@pytest.mark.parametrize(
    ("text", "load"),
    [(b"0.5", 0.5), (b"2", 2.0), (b"true", None), (b'"0.5"', None), (b"-1", None), (b"NaN", None)],
)
def test_a_load_is_taken_only_when_it_is_a_sane_number(text: bytes, load: float | None) -> None:
    assert judge(200, b'{"status": "ready", "load": %s}' % text, 0.01).load == load


def test_an_edge_is_looked_at_through_each_of_its_addresses() -> None:
    targets = targets_of("a", "https://edge.example:8443/cdn", ["192.0.2.7", "2001:db8::7"])
    assert [(t.url, t.families, t.host) for t in targets] == [
        ("https://192.0.2.7:8443/cdn", (4,), "edge.example"),
        ("https://[2001:db8::7]:8443/cdn", (6,), "edge.example"),
    ]
    (whole,) = targets_of("a", "https://edge.example", ())
    assert (whole.url, whole.families) == ("https://edge.example", (4, 6))


async def test_in_doubt_one_answer_of_several_connections_is_enough() -> None:
    waiting: list[asyncio.StreamWriter] = []

    async def answer_the_third(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"host: edge.example" in head.lower()
        waiting.append(writer)
        if len(waiting) == 3:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer_the_third, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = Target("a", f"http://127.0.0.1:{port}", (4,), "edge.example")
    clock = asyncio.get_running_loop().time
    async with server, ClientSession(timeout=ClientTimeout(total=5)) as session:
        seen = await look_well(session, target, clock, 3)
        assert (seen.result, len(waiting)) == (Result.ANSWERED, 3)
    async with ClientSession(timeout=ClientTimeout(total=0.2)) as session:
        assert (await look_well(session, target, clock, 2)).result is Result.FAILED


async def test_a_death_is_seen_between_two_looks() -> None:
    rare = replace(FAST, probe_interval_seconds=60.0)
    looks: asyncio.Queue[Result] = asyncio.Queue()

    def observe(target: Target, seen: Observation) -> bool:
        looks.put_nowait(seen.result)
        return False

    async with ScriptedEdge() as edge:
        # The second look comes at once, as by chance, and then none for a minute.
        chances = iter([0.0, 1.0])
        targets = targets_of("a", edge.url, ())
        prober = Prober(
            targets,
            rare,
            chance=lambda: next(chances),
            observe=observe,
            patience=Patience(standing_seconds=0.0),
        )
        async with asyncio.timeout(20), prober:
            assert [await looks.get(), await looks.get()] == [Result.ANSWERED] * 2
            await edge.die()
            assert await looks.get() is Result.FAILED
