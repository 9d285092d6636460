"""A reader takes its bytes from files, from growing blocks, or not at all; never from elsewhere."""

from __future__ import annotations

import asyncio
import errno
from asyncio import StreamReader, StreamWriter

import pytest

from edge.cache.disk import Disk
from edge.connection import Connection
from edge.entry import Entry
from edge.portions import CROWD, STEP_BYTES
from edge.readahead import WINDOW_BLOCKS
from edge.server import Server
from tests.edge.conftest import BLOCK, Asked, Edge, Origin, Plan, eventually
from tests.edge.rest import all_at_rest
from tests.helpers.film_origin import FilmOrigin, film_bytes
from tests.helpers.raw_client import RawClient, head

TARGET = "/films/a.mp4"
AHEAD = 4


@pytest.fixture
def film(origin: Origin) -> FilmOrigin:
    made = FilmOrigin(24 * BLOCK, BLOCK)
    origin.scripts[TARGET] = made.serve
    return made


def part(start: int, stop: int) -> str:
    return f"Range: bytes={start}-{stop - 1}"


def entry_of(edge: Edge) -> Entry:
    return edge.worker.holdings.entries[TARGET.encode()]


async def test_a_slow_reader_lets_the_fill_run_a_window_ahead_and_no_further(
    edge: Edge, film: FilmOrigin
) -> None:
    film.size_bytes = 400 * BLOCK
    slow = await edge.client(receive_buffer_bytes=4096)
    await slow.send(head(TARGET))
    fills = edge.worker.fills
    await eventually(lambda: bool(fills.parking._runs), "the fill stopped")
    reader = next(iter(entry_of(edge).readers))
    (run,) = fills.parking._runs[entry_of(edge)]
    assert run.position <= (reader.cursor + WINDOW_BLOCKS + AHEAD) * BLOCK
    assert (await slow.answer()).body == film_bytes(1, 0, film.size_bytes)
    await all_at_rest(edge)


async def test_a_crowd_gets_exact_bytes_from_memory_and_from_files(
    plan: Plan, origin: Origin
) -> None:
    """Blocks larger than the step, more readers than a crowd, and a late one."""
    block = 4 * STEP_BYTES
    film = FilmOrigin(5 * block + 7, block)
    origin.scripts[TARGET] = film.serve
    async with plan.but(block_bytes=block).start() as edge:
        held = film.holds[block + STEP_BYTES + 5] = asyncio.Event()
        clients = [await edge.client() for _ in range(2 * CROWD)]
        answers = [asyncio.ensure_future(client.ask(TARGET)) for client in clients]
        await eventually(lambda: len(film.sent) == 2, "the second block grows")
        late = asyncio.ensure_future((await edge.client()).ask(TARGET))
        held.set()
        for answer in [*answers, late]:
            assert (await answer).body == film_bytes(1, 0, film.size_bytes)
        assert film.requests == [""]
        await all_at_rest(edge)


async def take(client: RawClient, stop: int) -> None:
    """Have exactly the first `stop` bytes of the film, and no end of the answer."""
    await client._take_until(b"\r\n\r\n")
    assert await client._take(stop) == film_bytes(1, 0, stop)


@pytest.mark.parametrize("viewers", [1, 2 * CROWD])
async def test_what_came_before_a_pause_of_the_upstream_is_not_kept_until_it_ends(
    plan: Plan, origin: Origin, viewers: int
) -> None:
    """Fewer bytes than are worth a send, of a block whose rest comes late."""
    block = 4 * STEP_BYTES
    film = FilmOrigin(3 * block, block)
    origin.scripts[TARGET] = film.serve
    async with plan.but(block_bytes=block).start() as edge:
        pauses = [block + 1000, block + 5000]
        events = [film.holds.setdefault(pause, asyncio.Event()) for pause in pauses]
        clients = [await edge.client() for _ in range(viewers)]
        for client in clients:
            await client.send(head(TARGET))
        for client in clients:
            await take(client, pauses[0])
        events[0].set()
        for client in clients:
            assert await client._take(4000) == film_bytes(1, *pauses)
        events[1].set()
        for client in clients:
            rest = film.size_bytes - pauses[1]
            assert await client._take(rest) == film_bytes(1, pauses[1], film.size_bytes)
        await all_at_rest(edge)


async def test_what_came_with_the_upstreams_head_leaves_with_ours(
    plan: Plan, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one call, and before anything of a film that is new is written to a disk."""
    heads: list[bytes] = []
    send_head = Server._send_head

    def noted(server: Server, connection: Connection) -> bool:
        heads.append(bytes(connection.head))
        return send_head(server, connection)

    monkeypatch.setattr(Server, "_send_head", noted)
    content = film_bytes(1, 0, 2 * BLOCK)
    first, rest = content[: BLOCK // 2], content[BLOCK // 2 :]
    gate = asyncio.Event()

    async def serve(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        lines = ['ETag: "v"', "Cache-Control: max-age=60", f"Content-Length: {len(content)}"]
        text = "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""])
        writer.write(text.encode() + first)
        await gate.wait()
        writer.write(rest)

    origin.scripts[TARGET] = serve
    async with plan.start() as edge:
        client = await edge.client()
        await client.send(head(TARGET))
        await take(client, len(first))
        (text,) = heads
        assert text.endswith(first)
        assert not list(plan.cache.glob("??"))
        gate.set()
        assert await client._take(len(rest)) == rest
        await all_at_rest(edge)
        assert list(plan.cache.glob("??/*/entry"))


async def test_a_range_that_ends_inside_a_growing_block_is_over_before_the_block_is(
    edge: Edge, film: FilmOrigin
) -> None:
    held = film.holds[5000] = asyncio.Event()
    client = await edge.client()
    answer = await client.ask(TARGET, part(100, 4000))
    assert answer.body == film_bytes(1, 100, 4000)
    assert film.sent_bytes == 5000
    held.set()
    await all_at_rest(edge)


async def test_several_parts_of_a_cold_film_come_in_one_answer(
    edge: Edge, film: FilmOrigin
) -> None:
    client = await edge.client()
    last = film.size_bytes - 10
    answer = await client.ask(TARGET, f"Range: bytes=0-9,{9 * BLOCK}-{9 * BLOCK + 9},{last}-")
    assert answer.status == 206
    for start in (0, 9 * BLOCK, last):
        assert film_bytes(1, start, start + 10) in answer.body
    assert max(film.sent.values()) <= BLOCK
    await all_at_rest(edge)


async def test_a_reader_of_a_connection_that_is_gone_is_never_registered(
    edge: Edge, film: FilmOrigin
) -> None:
    """A viewer that leaves while the first question is asked has no use for blocks."""
    gate = asyncio.Event()
    serve = film.serve

    async def later(*arguments: object) -> None:
        await gate.wait()
        await serve(*arguments)  # type: ignore[arg-type]

    edge.origin.scripts[TARGET] = later
    client = await edge.client()
    await client.send(head(TARGET))
    await eventually(lambda: len(edge.origin.asked) == 1, "the origin is asked")
    client.reset()
    await eventually(lambda: not edge.worker.server.connections, "the viewer is gone")
    gate.set()
    await eventually(lambda: TARGET.encode() in edge.worker.holdings.entries, "it is known")
    await all_at_rest(edge)
    assert edge.worker.fills.received_bytes_total <= 9 * BLOCK


async def test_a_reader_that_outlives_many_failures_is_not_cut_for_the_sum_of_them(
    edge: Edge, film: FilmOrigin
) -> None:
    film.cuts = [block * BLOCK + 100 for block in range(2, 20)]
    client = await edge.client()
    assert (await client.ask(TARGET)).body == film_bytes(1, 0, film.size_bytes)
    assert edge.worker.fills.failed_total == 18
    await all_at_rest(edge)


async def test_readers_apart_are_served_from_memory_when_the_disk_takes_nothing(
    edge: Edge, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> object:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Disk, "write_block", full)
    film.size_bytes = 60 * BLOCK

    async def view(client: RawClient, start: int) -> None:
        answer = await client.ask(TARGET, part(start, film.size_bytes))
        assert answer.body == film_bytes(1, start, film.size_bytes)

    await asyncio.gather(
        *[view(await edge.client(), number * 5 * BLOCK + number) for number in range(10)]
    )
    await all_at_rest(edge)
    assert edge.worker.holdings.held_blocks == 0


async def test_what_the_disk_would_not_take_waits_in_memory_for_a_slow_reader(
    edge: Edge, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> object:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Disk, "write_block", full)
    film.size_bytes = 100 * BLOCK
    slow = await edge.client(receive_buffer_bytes=4096)
    await slow.send(head(TARGET))
    fills = edge.worker.fills
    await eventually(lambda: bool(fills.parking._runs), "the fill stopped")
    await eventually(lambda: not fills._saving, "the disk has refused")
    assert entry_of(edge).growing
    assert (await slow.answer()).body == film_bytes(1, 0, film.size_bytes)
    assert fills.received_bytes_total == film.size_bytes
    await all_at_rest(edge)
