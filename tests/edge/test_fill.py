"""One request to the origin however many viewers wait, and nothing lost when it fails."""

from __future__ import annotations

import asyncio
import gc
import random
from concurrent.futures import Future
from unittest.mock import Mock

import pytest

from config.topology import MIB
from edge.block_memory import BlockMemory
from edge.blockfile import BlockFile
from edge.entry import EVICTED, HELD, Entry
from edge.fill import UNREAD_BLOCKS_MAX, Fills, Growing, Run
from tests.edge.conftest import BLOCK, Edge, Origin, Plan, eventually
from tests.edge.made import BLOCK as SMALL
from tests.edge.made import an_entry
from tests.edge.rest import all_at_rest, assert_disk_equals_index, small_edge
from tests.helpers.film_origin import FilmOrigin, film_bytes, is_one_version
from tests.helpers.raw_client import Answer, CutShortError, RawClient, head

TARGET = "/films/a.mp4"
AHEAD = 1


@pytest.fixture
def film(origin: Origin) -> FilmOrigin:
    """A film of 16 blocks."""
    return show(origin, FilmOrigin(16 * BLOCK, BLOCK))


def show(origin: Origin, film: FilmOrigin) -> FilmOrigin:
    origin.scripts[TARGET] = film.serve
    return film


def part(start: int, stop: int) -> str:
    return f"Range: bytes={start}-{stop - 1}"


def entry_of(edge: Edge) -> Entry:
    return edge.worker.holdings.entries[TARGET.encode()]


async def has_received(edge: Edge, block: int, size: int) -> None:
    """The edge has so much of a block."""

    def has() -> bool:
        entry = edge.worker.holdings.entries.get(TARGET.encode())
        growing = None if entry is None else entry.growing.get(block)
        return growing is not None and growing.received == size

    await eventually(has, f"{size} bytes of block {block} are here")


async def test_200_viewers_of_a_cold_film_cost_the_origin_one_request(
    edge: Edge, film: FilmOrigin
) -> None:
    clients = [await edge.client() for _ in range(200)]
    answers = await asyncio.gather(*(client.ask(TARGET) for client in clients))
    whole = film_bytes(1, 0, film.size_bytes)
    assert all(answer.body == whole for answer in answers)
    assert film.requests == [""]
    assert film.sent_bytes == film.size_bytes
    assert edge.worker.fills.received_bytes_total == film.size_bytes
    assert edge.worker.fills.origin_bytes_total == film.size_bytes
    await all_at_rest(edge)
    assert edge.worker.holdings.held_bytes == film.size_bytes


async def test_50_viewers_of_random_parts_cost_the_origin_no_block_twice(
    edge: Edge, film: FilmOrigin
) -> None:
    chance = random.Random(7)
    clients = [await edge.client() for _ in range(50)]

    async def view(client: RawClient) -> None:
        for _ in range(5):
            start = chance.randrange(film.size_bytes)
            stop = chance.randrange(start, film.size_bytes) + 1
            answer = await client.ask(TARGET, part(start, stop))
            assert answer.status == 206
            assert answer.body == film_bytes(1, start, stop)

    await asyncio.gather(*map(view, clients))
    assert max(film.sent.values()) <= BLOCK
    await all_at_rest(edge)


async def test_a_part_in_the_middle_of_a_gibibyte_pulls_it_and_what_is_read_ahead(
    edge: Edge, origin: Origin
) -> None:
    film = show(origin, FilmOrigin(1024 * MIB, BLOCK))
    middle = 8000 * BLOCK + 17
    client = await edge.client()
    answer = await client.ask(TARGET, part(middle, middle + 1000))
    assert answer.body == film_bytes(1, middle, middle + 1000)
    await eventually(
        lambda: edge.worker.holdings.held_blocks == 1 + AHEAD, "the read-ahead is held"
    )
    assert sorted(film.sent) == list(range(8000, 8000 + 1 + AHEAD))
    await all_at_rest(edge)


async def test_a_viewer_that_leaves_stops_the_fill_at_the_next_block(
    edge: Edge, film: FilmOrigin
) -> None:
    held = film.holds[3 * BLOCK + 100] = asyncio.Event()
    client = await edge.client()
    await client.send(head(TARGET))
    await has_received(edge, 3, 100)
    client.close()
    await eventually(lambda: not edge.worker.server.connections, "the viewer is gone")
    held.set()
    await eventually(lambda: not edge.worker.fills._tasks, "the fill has ended")
    await eventually(lambda: edge.worker.holdings.held_blocks == 4, "whole blocks are kept")
    assert film.requests == [""]
    assert edge.worker.fills.received_bytes_total == 4 * BLOCK
    await all_at_rest(edge)


@pytest.mark.parametrize("goes", ["elsewhere", "away"])
async def test_read_ahead_ends_when_the_viewer_turns_to_something_else(
    edge: Edge, origin: Origin, film: FilmOrigin, goes: str
) -> None:
    origin.put("/other", b"other")
    held = film.holds[2 * BLOCK + 5] = asyncio.Event()
    client = await edge.client()
    answer = await client.ask(TARGET, part(0, 2 * BLOCK))
    assert answer.body == film_bytes(1, 0, 2 * BLOCK)
    await has_received(edge, 2, 5)
    if goes == "away":
        client.close()
        await eventually(lambda: not edge.worker.server.connections, "the viewer is gone")
    else:
        assert (await client.ask("/other")).body == b"other"
    held.set()
    await eventually(lambda: not edge.worker.fills._tasks, "the fill has ended")
    assert edge.worker.fills.received_bytes_total <= 3 * BLOCK + 5
    await all_at_rest(edge)
    assert edge.worker.holdings.held_blocks == 3 + (goes == "elsewhere")


async def test_first_bytes_reach_every_waiter_before_the_block_is_whole(
    edge: Edge, film: FilmOrigin
) -> None:
    held = film.holds[1000] = asyncio.Event()
    clients = [await edge.client() for _ in range(30)]
    for client in clients:
        await client.send(head(TARGET))

    async def begun(client: RawClient) -> None:
        while film_bytes(1, 0, 1000) not in client.buffer:
            assert await client._more()

    await asyncio.gather(*map(begun, clients))
    late = await edge.client()
    await late.send(head(TARGET))
    await begun(late)
    assert film.sent_bytes == 1000
    held.set()
    answers = await asyncio.gather(*(client.answer() for client in [*clients, late]))
    assert {answer.body for answer in answers} == {film_bytes(1, 0, film.size_bytes)}
    assert film.requests == [""]
    await all_at_rest(edge)


async def test_the_viewer_who_caused_a_fill_may_leave_it_to_the_others(
    edge: Edge, film: FilmOrigin
) -> None:
    held = film.holds[BLOCK + 100] = asyncio.Event()
    first = await edge.client()
    await first.send(head(TARGET))
    await has_received(edge, 1, 100)
    others = [await edge.client() for _ in range(5)]
    for client in others:
        await client.send(head(TARGET))
    await eventually(lambda: len(entry_of(edge).readers) == 6, "all wait")
    first.reset()
    held.set()
    answers = await asyncio.gather(*(client.answer() for client in others))
    assert {answer.body for answer in answers} == {film_bytes(1, 0, film.size_bytes)}
    assert film.requests == [""]
    await all_at_rest(edge)


async def test_waiters_of_a_fill_that_breaks_ask_once_more_together(
    edge: Edge, film: FilmOrigin
) -> None:
    film.cuts = [5 * BLOCK + 777]
    clients = [await edge.client() for _ in range(40)]
    answers = await asyncio.gather(*(client.ask(TARGET) for client in clients))
    assert {answer.body for answer in answers} == {film_bytes(1, 0, film.size_bytes)}
    assert film.requests == ["", f"bytes={5 * BLOCK}-{film.size_bytes - 1}"]
    assert edge.worker.fills.failed_total == 1
    assert film.sent[5] == BLOCK + 777
    await all_at_rest(edge)


async def test_a_fill_that_breaks_four_times_cuts_its_viewers_and_leaves_nothing(
    edge: Edge, film: FilmOrigin
) -> None:
    film.cuts = [2 * BLOCK + 50] * 10
    clients = [await edge.client() for _ in range(20)]

    async def view(client: RawClient) -> bytes:
        with pytest.raises(CutShortError) as cut:
            await client.ask(TARGET)
        return cut.value.received

    received = await asyncio.gather(*map(view, clients))
    assert set(received) <= {film_bytes(1, 0, size) for size in (2 * BLOCK, 2 * BLOCK + 50)}
    # One failure may come before anybody waits for the block; a straggler counts for itself.
    assert 4 <= len(film.requests) <= 8
    await all_at_rest(edge)
    film.cuts = []
    assert (await (await edge.client()).ask(TARGET)).body == film_bytes(1, 0, film.size_bytes)


async def test_two_runs_that_meet_fetch_no_block_twice(edge: Edge, film: FilmOrigin) -> None:
    """A run that comes to blocks another has promised stops before them."""
    film.size_bytes = 64 * BLOCK
    first = film.holds[BLOCK] = asyncio.Event()
    second = film.holds[41 * BLOCK] = asyncio.Event()
    reader, seeker = await edge.client(), await edge.client()
    await reader.send(head(TARGET))
    await eventually(lambda: film.sent[0] == BLOCK, "the first run is on its way")
    await seeker.send(head(TARGET, part(40 * BLOCK, 50 * BLOCK)))
    await eventually(lambda: film.sent[40] == BLOCK, "the second run is on its way")
    first.set()
    await eventually(lambda: film.sent[39] == BLOCK, "the first run has come to the second's")
    second.set()
    answers = await asyncio.gather(reader.answer(), seeker.answer())
    assert answers[0].body == film_bytes(1, 0, film.size_bytes)
    assert answers[1].body == film_bytes(1, 40 * BLOCK, 50 * BLOCK)
    assert edge.worker.fills.received_bytes_total == film.size_bytes
    await all_at_rest(edge)


async def test_readers_of_films_larger_than_the_cache_get_exact_bytes(
    plan: Plan, origin: Origin
) -> None:
    capacity = 16 * MIB
    films = [FilmOrigin(2 * capacity + number, BLOCK, version=number + 1) for number in range(2)]
    for number, film in enumerate(films):
        origin.scripts[f"/f{number}"] = film.serve
    async with small_edge(plan, capacity) as edge:
        holdings = edge.worker.holdings
        chance = random.Random(3)

        async def view(number: int) -> None:
            client = await edge.client()
            film = films[number % 2]
            start = chance.randrange(film.size_bytes)
            stop = min(start + 6 * MIB, film.size_bytes) if number > 1 else film.size_bytes
            answer = await client.ask(f"/f{number % 2}", part(start, stop))
            assert answer.body == film_bytes(film.version, start, stop)
            assert holdings.held_bytes <= capacity

        await asyncio.gather(*(view(number) for number in range(20)))
        await all_at_rest(edge)
        assert holdings.held_bytes <= capacity
        assert holdings.evicted_blocks_total > 0
    assert_disk_equals_index(plan.cache, edge)


async def test_memory_for_blocks_stays_within_bounds_however_many_fills_run(
    edge: Edge, film: FilmOrigin, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is behind stops the receiving, and all goes on when it has caught up."""
    monkeypatch.setattr("edge.fill.UNSAVED_BYTES_MAX", 4 * BLOCK)
    fills, most = edge.worker.fills, 0
    write = edge.worker.holdings.write

    def watched(*arguments: object) -> object:
        nonlocal most
        most = max(most, fills.unsaved)
        return write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(edge.worker.holdings, "write", watched)
    for number in range(16):
        origin.scripts[f"/f{number}"] = film.serve
    clients = [await edge.client() for _ in range(16)]
    answers: list[Answer] = await asyncio.gather(
        *(client.ask(f"/f{number}") for number, client in enumerate(clients))
    )
    assert {answer.body for answer in answers} == {film_bytes(1, 0, film.size_bytes)}
    assert most <= 4 + 16 + 1
    await all_at_rest(edge)


@pytest.mark.parametrize("seed", range(4))
async def test_no_mixture_of_leaving_cuts_versions_and_eviction_mixes_bytes(
    plan: Plan, origin: Origin, seed: int
) -> None:
    """Whatever happens, a body that came whole is one version's."""
    chance = random.Random(seed)
    film = show(origin, FilmOrigin(330 * BLOCK + 123, BLOCK))
    whole_bodies = 0
    async with small_edge(plan, 16 * MIB) as edge:

        async def view() -> None:
            nonlocal whole_bodies
            client = await edge.client()
            for _ in range(4):
                start = chance.randrange(film.size_bytes)
                stop = min(start + chance.randrange(1, 40 * BLOCK), film.size_bytes)
                await client.send(head(TARGET, part(start, stop)))
                if chance.random() < 0.15:
                    client.reset()
                    return
                try:
                    answer = await client.answer()
                except CutShortError:
                    client.close()
                    return
                if answer.status == 206:
                    said = answer.fields["content-range"].split()[1].partition("-")[0]
                    assert is_one_version(answer.body, int(said), range(1, film.version + 1))
                    whole_bodies += 1

        async def disturb() -> None:
            for _ in range(12):
                await asyncio.sleep(0)
                for _ in range(chance.randrange(60)):
                    await asyncio.sleep(0.0005)
                if chance.random() < 0.4:
                    film.version += 1
                else:
                    film.cuts.append(chance.randrange(330) * BLOCK + chance.choice([0, 4096]))

        await asyncio.gather(disturb(), *(view() for _ in range(25)))
        await all_at_rest(edge)
        assert edge.worker.holdings.held_bytes <= 16 * MIB
    assert whole_bodies
    assert_disk_equals_index(plan.cache, edge)


async def test_a_new_entry_is_filled_a_little_before_its_first_reader_is_there(
    edge: Edge, film: FilmOrigin
) -> None:
    await (await edge.client()).ask(TARGET, part(0, 10))
    fills, entry = edge.worker.fills, entry_of(edge)
    await all_at_rest(edge)
    assert not fills.is_wanted(entry, 1)
    entry.was_read = False
    assert fills.is_wanted(entry, UNREAD_BLOCKS_MAX - 1)
    assert not fills.is_wanted(entry, UNREAD_BLOCKS_MAX)


async def test_memory_of_a_burst_goes_back_once_it_is_over(edge: Edge, origin: Origin) -> None:
    held = asyncio.Event()
    viewers, targets = 40, [f"/films/{number}.mp4" for number in range(40)]
    for target in targets:
        film = FilmOrigin(BLOCK, BLOCK)
        film.holds[100] = held
        origin.scripts[target] = film.serve
    clients = [await edge.client() for _ in targets]
    for client, target in zip(clients, targets, strict=True):
        await client.send(head(target))
    entries = edge.worker.holdings.entries
    await eventually(
        lambda: sum(each.growing[0].received == 100 for each in entries.values()) == viewers,
        "all blocks are on their way",
    )
    held.set()
    for client in clients:
        assert (await client.answer()).body == film_bytes(1, 0, BLOCK)
    await all_at_rest(edge)
    memory = edge.worker.fills.memory
    assert memory.kept_bytes == viewers * BLOCK
    await eventually(lambda: memory.kept_bytes < viewers * BLOCK, "a second has passed, or two")
    for _ in range(60):
        memory.ease()
    assert memory.kept_bytes == 0


async def test_a_fill_that_breaks_inside_a_block_leaves_no_memory_for_the_collector(
    edge: Edge, film: FilmOrigin
) -> None:
    film.cuts = [BLOCK + 100] * 10
    client = await edge.client()
    gc.collect()
    gc.disable()
    try:
        await client.send(head(TARGET))
        with pytest.raises(CutShortError):
            await client.answer()
        await all_at_rest(edge)
        assert not [each for each in gc.get_objects() if isinstance(each, Growing)]
    finally:
        gc.enable()


def test_a_block_that_went_when_its_answer_had_come_to_it_is_filled_from_there() -> None:
    fills = Mock(spec=Fills, memory=BlockMemory(), parking=Mock(forget=lambda run: False))
    fills.is_behind.return_value = False
    entry = an_entry(3 * SMALL)
    entry.present[1] = HELD
    run = Run(fills, entry, 0, 3 * SMALL, whole=True)
    run.promise(0, 3)
    run.begin()
    assert run.received(len(run.view()))
    entry.present[1] = EVICTED
    assert run.extend(1, 2)
    run.view()[:] = bytes(range(SMALL))
    assert run.received(SMALL)
    growing = entry.growing[1]
    assert growing.is_full
    assert bytes(growing.memory or b"") == bytes(range(SMALL))
    fills.block_received.assert_called_with(growing, True)


async def test_a_viewer_has_the_end_of_a_block_before_it_is_given_to_the_disk(
    edge: Edge, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    holdings = edge.worker.holdings
    write = holdings.write
    came: list[tuple[int, int]] = []

    def noted(entry: Entry, block: int, content: memoryview) -> Future[BlockFile]:
        came.extend((block, reader.position) for reader in entry.readers)
        return write(entry, block, content)

    monkeypatch.setattr(holdings, "write", noted)
    client = await edge.client()
    answer = await client.ask(TARGET, f"Range: bytes=0-{BLOCK - 1}")
    assert answer.body == film_bytes(1, 0, BLOCK)
    await all_at_rest(edge)
    assert came[0] == (0, BLOCK)
