"""Workers of a box are one cache: what one has fetched all serve, and none serves what has gone."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
from pathlib import Path

import pytest

from config.topology import MIB
from edge.entry import HELD
from edge.pinning import Pinning
from edge.warming import Wanted
from tests.edge.box.conftest import WORKERS, Boxed, boxed_workers, owned_by
from tests.edge.cache.slow_disks import Gates, gates
from tests.edge.conftest import BLOCK, Asked, Edge, Plan, eventually, says
from tests.edge.rest import all_at_rest
from tests.helpers.film_origin import FilmOrigin, film_bytes
from tests.helpers.raw_client import Answer, CutShortError, head

__all__ = ["gates"]
FILM_BYTES = 3 * BLOCK + 7

FILM = random.Random(5).randbytes(6 * BLOCK + 77)
TARGET = owned_by(1)


async def ask(edge: Edge, target: str = TARGET, *lines: str, method: str = "GET") -> Answer:
    client = await edge.client()
    return await client.ask(target, *lines, method=method)


async def test_what_one_worker_has_fetched_all_serve_without_asking_the_origin(box: Boxed) -> None:
    box.workers[0].origin.put(TARGET, FILM)
    for edge in box.workers:
        answer = await ask(edge)
        assert answer.status == 200
        assert answer.body == FILM
    assert box.workers[0].origin.targets() == [f"GET {TARGET}"]
    for edge in box.workers:
        answer = await ask(edge, TARGET, "Range: bytes=70000-200000")
        assert answer.body == FILM[70000:200001]
        assert answer.fields["cache-status"].startswith("edge-1; hit; ttl=")
        assert answer.fields["via"] == "1.1 edge-1"
        assert "cinedge-owner" not in answer.fields
    owner = box.owner(TARGET).worker.holdings
    await eventually(lambda: owner.held_blocks == 7, "all is held")
    assert sum(edge.worker.holdings.held_blocks for edge in box.workers) == 7


def holds(box: Boxed, blocks: int) -> bool:
    """Whether the owner holds the first so many blocks of the film."""
    (entry,) = box.owner(TARGET).worker.holdings.entries.values()
    return all(state == HELD for state in entry.present[:blocks])


async def test_a_viewer_is_told_what_the_owner_did(box: Boxed) -> None:
    box.workers[0].origin.put(TARGET, FILM)
    other = box.others(TARGET)[0]
    answer = await ask(other, TARGET, "Range: bytes=0-9")
    assert answer.fields["cache-status"].startswith(
        "edge-1; fwd=uri-miss; fwd-status=206; stored; ttl="
    )
    assert answer.fields["cache-status"].endswith("detail=cold")
    await eventually(lambda: holds(box, 1), "the first block is held, not only the one behind")
    answer = await ask(box.others(TARGET)[1], TARGET, "Range: bytes=0-9")
    assert answer.fields["cache-status"].startswith("edge-1; hit;")


async def test_a_cold_range_costs_the_origin_its_window_once(box: Boxed) -> None:
    origin = box.workers[0].origin
    origin.put(TARGET, FILM)
    for edge in [*box.others(TARGET), box.owner(TARGET)]:
        assert (await ask(edge, TARGET, "Range: bytes=0-9")).body == FILM[:10]
    assert len({asked.fields["range"] for asked in origin.asked}) == len(origin.asked) == 1


async def test_viewers_of_all_workers_share_one_question(box: Boxed) -> None:
    origin, release = box.workers[0].origin, asyncio.Event()
    thing = origin.put(TARGET, FILM)

    async def slow(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await release.wait()
        await origin.serve_thing(asked, reader, writer)

    origin.scripts[TARGET] = slow
    answers = [asyncio.ensure_future(ask(edge)) for edge in box.workers for _ in range(4)]
    await eventually(lambda: len(origin.asked) == 1, "the origin is asked")
    release.set()
    for answer in await asyncio.gather(*answers):
        assert answer.body == thing.content
    assert len(origin.asked) == 1


async def test_a_purge_in_any_worker_is_done_when_no_worker_serves_what_was(box: Boxed) -> None:
    origin = box.workers[0].origin
    origin.put(TARGET, FILM)
    for edge in box.workers:
        await ask(edge)
    newer = origin.put(TARGET, FILM[::-1])
    box.workers[0].worker.changes.invalidate(TARGET.encode())
    await box.workers[0].worker.changes.settled()
    assert all(not edge.worker.holdings.entries for edge in box.workers)
    for edge in box.workers:
        answer = await ask(edge)
        assert answer.body == newer.content
    assert len(origin.asked) == 2


async def test_an_unsafe_method_is_answered_when_all_workers_have_forgotten(box: Boxed) -> None:
    origin = box.workers[0].origin
    origin.put(TARGET, FILM)
    for edge in box.workers:
        await ask(edge)
    origin.scripts[TARGET] = says("204 No Content", b"")
    assert (await ask(box.others(TARGET)[0], method="POST")).status == 204
    # At the moment of the answer, not some time after it.
    assert all(not edge.worker.holdings.entries for edge in box.workers)


async def test_each_worker_keeps_the_pins_of_what_it_owns(plan: Plan) -> None:
    targets = [owned_by(number) for number in range(WORKERS)]
    wanted = [Wanted(target.encode(), BLOCK) for target in targets]
    async with boxed_workers(plan, WORKERS) as box:
        pinnings = [Pinning(edge.worker.holdings, BLOCK) for edge in box.workers]
        # All hear of the order at once.
        await asyncio.gather(*(each.pin(wanted) for each in pinnings))
    async with boxed_workers(plan, WORKERS) as box:
        for number, edge in enumerate(box.workers):
            assert edge.worker.holdings.keeping.pinned() == {targets[number].encode(): [(0, 1)]}
    async with boxed_workers(plan, 2) as box:
        kept = [edge.worker.holdings.keeping.pinned() for edge in box.workers]
        assert kept[0] | kept[1] == {target.encode(): [(0, 1)] for target in targets}


async def test_when_nothing_may_be_trusted_every_worker_asks(box: Boxed) -> None:
    origin = box.workers[0].origin
    origin.put(TARGET, FILM)
    for edge in box.workers:
        await ask(edge)
    for edge in box.workers:
        edge.worker.holdings.distrust()
    for edge in box.workers:
        assert (await ask(edge)).body == FILM
    assert len(origin.asked) == 2
    assert "if-none-match" in origin.asked[1].fields


async def test_an_entry_that_expired_is_renewed_once_for_all(box: Boxed) -> None:
    origin = box.workers[0].origin
    origin.put(TARGET, FILM, lines=("Cache-Control: max-age=0",))
    other = box.others(TARGET)[0]
    assert (await ask(other)).body == FILM
    origin.things[TARGET].lines = ("Cache-Control: max-age=60",)
    answer = await ask(other)
    assert answer.body == FILM
    assert "fwd=stale; fwd-status=304" in answer.fields["cache-status"]
    await eventually(lambda: holds(box, -(-len(FILM) // BLOCK)), "all of it is held")
    for edge in box.workers:
        assert (await ask(edge)).fields["cache-status"].startswith("edge-1; hit;")
    assert len(origin.asked) == 2


async def test_what_may_not_be_stored_is_passed_through(box: Boxed) -> None:
    origin = box.workers[0].origin
    origin.put(TARGET, FILM, lines=("Cache-Control: no-store",))
    for _ in range(2):
        for edge in box.workers:
            assert (await ask(edge)).body == FILM
            part = await ask(edge, TARGET, "Range: bytes=10-19")
            assert part.body in (FILM[10:20], FILM)
            assert part.status == (206 if len(part.body) == 10 else 200)
    assert all(not edge.worker.holdings.entries for edge in box.workers)


async def test_variants_are_shared_and_told_apart(box: Boxed) -> None:
    origin = box.workers[0].origin

    async def speaks(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        language = asked.fields.get("accept-language", "none")
        await says(
            "200 OK", language.encode(), "Vary: Accept-Language", "Cache-Control: max-age=9"
        )(asked, reader, writer)

    origin.scripts[TARGET] = speaks
    for _ in range(2):
        for edge in box.workers:
            for language in ("de", "fr"):
                answer = await ask(edge, TARGET, f"Accept-Language: {language}")
                assert answer.body == language.encode()
    assert len(origin.asked) == 2


async def test_heads_and_conditions_are_answered_from_what_another_holds(box: Boxed) -> None:
    origin = box.workers[0].origin
    thing = origin.put(TARGET, FILM)
    await ask(box.owner(TARGET))
    for edge in box.others(TARGET):
        answer = await ask(edge, method="HEAD")
        assert (answer.status, answer.fields["content-length"]) == (200, str(len(FILM)))
        assert answer.fields["cache-status"].startswith("edge-1; hit;")
        assert (await ask(edge, TARGET, f"If-None-Match: {thing.etag}")).status == 304
        assert (await ask(edge, TARGET, "Range: bytes=99999999-")).status == 416
    assert len(origin.asked) == 1


async def test_content_of_unannounced_length_is_kept_for_all(box: Boxed) -> None:
    origin = box.workers[0].origin

    async def chunked(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4\r\nfilm\r\n0\r\n\r\n"
        )

    origin.scripts[TARGET] = chunked
    assert (await ask(box.others(TARGET)[0])).body == b"film"
    await eventually(lambda: box.owner(TARGET).worker.holdings.held_blocks == 1, "it is held")
    for edge in box.workers:
        assert (await ask(edge)).body == b"film"
    assert len(origin.asked) == 1


async def test_a_failing_origin_is_told_of_by_every_worker(box: Boxed) -> None:
    origin = box.workers[0].origin
    origin.scripts[TARGET] = says("503 Service Unavailable", b"later")
    for edge in box.workers:
        assert (await ask(edge)).status == 503
    origin.put(TARGET, FILM)
    del origin.scripts[TARGET]
    for edge in box.workers:
        assert (await ask(edge)).body == FILM


async def test_a_fill_that_breaks_is_taken_up_once_for_the_readers_of_all(box: Boxed) -> None:
    origin = box.workers[0].origin
    thing = origin.put(TARGET, FILM)
    cuts = 0

    async def cut(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal cuts
        cuts += 1
        if cuts > 1:
            await origin.serve_thing(asked, reader, writer)
            return
        lines = "\r\n".join([*thing.lines, f"ETag: {thing.etag}"])
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Length: {len(FILM)}\r\n{lines}\r\n\r\n".encode()
            + FILM[: 2 * BLOCK + 9]
        )
        writer.close()

    origin.scripts[TARGET] = cut
    answers = await asyncio.gather(*(ask(edge) for edge in box.workers for _ in range(3)))
    assert all(answer.body == FILM for answer in answers)
    assert len(origin.asked) == 2


async def test_a_viewer_that_leaves_costs_the_others_nothing(box: Boxed) -> None:
    origin, release = box.workers[0].origin, asyncio.Event()
    thing = origin.put(TARGET, FILM)

    async def halting(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        lines = "\r\n".join([*thing.lines, f"ETag: {thing.etag}"])
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(FILM)}\r\n{lines}\r\n\r\n".encode())
        writer.write(FILM[:100])
        await writer.drain()
        await release.wait()
        writer.write(FILM[100:])

    origin.scripts[TARGET] = halting
    other = box.others(TARGET)[0]
    leader = await other.client()
    await leader.send(head(TARGET))
    await eventually(lambda: len(origin.asked) == 1, "the origin is asked")
    staying = [asyncio.ensure_future(ask(edge)) for edge in box.workers]
    await eventually(
        lambda: all(edge.worker.holdings.entries for edge in box.workers), "all know of it"
    )
    leader.reset()
    release.set()
    assert all(answer.body == FILM for answer in await asyncio.gather(*staying))
    assert len(origin.asked) == 1


async def test_evicting_at_full_speed_changes_no_byte_in_any_worker(plan: Plan) -> None:
    """Each worker has room for 4 MiB; viewers of all workers read 24 MiB of films in ranges."""
    films = {
        owned_by(number % WORKERS, suffix=f"-{number}"): random.Random(number).randbytes(2 * MIB)
        for number in range(12)
    }
    for target, content in films.items():
        plan.origin.put(target, content)
    chance = random.Random(11)
    async with boxed_workers(plan, WORKERS, size_bytes=4 * MIB) as box:

        async def watch(edge: Edge) -> None:
            client = await edge.client()
            for _ in range(40):
                target = chance.choice(list(films))
                start = chance.randrange(2 * MIB - 1)
                stop = min(start + chance.choice((10, BLOCK, 5 * BLOCK)), 2 * MIB)
                answer = await client.ask(target, f"Range: bytes={start}-{stop - 1}")
                assert answer.status == 206
                assert answer.body == films[target][start:stop]

        await asyncio.gather(*(watch(edge) for edge in box.workers for _ in range(4)))
        assert sum(edge.worker.holdings.evicted_blocks_total for edge in box.workers) > 100
        for edge in box.workers:
            assert edge.worker.holdings.held_bytes <= 4 * MIB
            assert edge.worker.holdings.corrupt_blocks_total == 0


async def test_a_version_that_is_replaced_stays_whole_for_readers_in_other_workers(
    box: Boxed,
) -> None:
    big = random.Random(3).randbytes(30 * BLOCK)
    origin = box.workers[0].origin
    origin.put(TARGET, big)
    assert (await ask(box.owner(TARGET))).body == big
    owner, other = box.owner(TARGET), box.others(TARGET)[0]
    await eventually(lambda: owner.worker.holdings.held_blocks == 30, "all is held")
    slow = await other.client(receive_buffer_bytes=4096)
    await slow.send(head(TARGET))
    await eventually(
        lambda: any(entry.readers for entry in other.worker.holdings.entries.values()),
        "it is read there",
    )
    box.workers[0].worker.changes.invalidate(TARGET.encode())
    await box.workers[0].worker.changes.settled()
    origin.put(TARGET, big[::-1])
    assert (await ask(owner)).body == big[::-1]
    assert (await slow.answer()).body == big
    cache = Path(owner.worker.holdings.disks[0].path)
    for client in [*owner.clients, slow]:
        client.close()
    await eventually(
        lambda: len(list(cache.glob("??/*/*-*"))) == 30, "the old files go with their last reader"
    )


async def test_use_in_any_worker_keeps_a_block(plan: Plan) -> None:
    """What only others watch is no less used than what the owner's viewers watch."""
    used, unused = owned_by(1, suffix="-a"), owned_by(1, suffix="-b")
    third = owned_by(1, suffix="-c")
    for target in (used, unused, third):
        plan.origin.put(target, random.Random(target).randbytes(6 * MIB))
    async with boxed_workers(plan, WORKERS, size_bytes=16 * MIB) as box:
        owner, other = box.owner(used), box.others(used)[0]
        await ask(owner, used)
        await ask(owner, unused)
        await eventually(lambda: owner.worker.holdings.held_bytes == 12 * MIB, "both are held")
        await ask(other, used)
        assert other.worker.box is not None
        other.worker.box.tick()
        await ask(owner, third)
        entries = owner.worker.holdings.entries
        await eventually(lambda: owner.worker.holdings.evicted_blocks_total > 0, "room was made")
        assert set(entries[used.encode()].present) == {HELD}
        assert set(entries[unused.encode()].present) != {HELD}


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_another_number_of_workers_takes_everything_over(plan: Plan, count: int) -> None:
    films = {owned_by(number, suffix=f"-{number}"): bytes([number]) * 999 for number in range(3)}
    for target, content in films.items():
        plan.origin.put(target, content)
    async with boxed_workers(plan, WORKERS) as box:
        for target, content in films.items():
            assert (await ask(box.workers[0], target)).body == content
    async with contextlib.AsyncExitStack() as stack:
        if count == 1:
            from edge.box.settle import settle

            settle(plan.cache, 1)
            edges = [await stack.enter_async_context(plan.start())]
        else:
            edges = (await stack.enter_async_context(boxed_workers(plan, count))).workers
        held = [
            state
            for edge in edges
            for entry in edge.worker.holdings.entries.values()
            for state in entry.present
        ]
        assert held == [HELD] * 3
        for target, content in films.items():
            for edge in edges:
                assert (await ask(edge, target)).body == content
    assert len(plan.origin.asked) == 3


async def test_a_block_file_that_was_damaged_is_not_served_by_any_worker(plan: Plan) -> None:
    plan.origin.put(TARGET, FILM)
    async with boxed_workers(plan, WORKERS) as box:
        await ask(box.owner(TARGET))
    for mark in plan.cache.glob("clean*"):
        mark.unlink()
    victim = next(path for path in plan.cache.rglob("*-2") if path.is_file())
    victim.write_bytes(bytes(victim.stat().st_size))
    async with boxed_workers(plan, WORKERS) as box:
        for edge in [*box.others(TARGET), box.owner(TARGET)]:
            assert (await ask(edge)).body == FILM
    shutil.rmtree(plan.cache)


async def test_an_answer_that_is_cut_is_never_ended_cleanly_by_another_worker(box: Boxed) -> None:
    origin = box.workers[0].origin

    async def cut(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nCache-Control: no-store\r\n\r\nx")
        writer.close()

    origin.scripts[TARGET] = cut
    with pytest.raises(CutShortError):
        await ask(box.others(TARGET)[0])


async def test_every_worker_has_a_hit_and_a_change_is_made_in_an_owner_that_still_loads(
    plan: Plan, gates: Gates
) -> None:
    target = owned_by(1, 2)
    film = FilmOrigin(FILM_BYTES, BLOCK)
    plan.origin.scripts[target] = film.serve
    gates.open()
    async with boxed_workers(plan, 2) as box:
        client = await box.owner(target).client()
        assert (await client.ask(target)).body == film_bytes(1, 0, FILM_BYTES)
        for each in box.workers:
            await all_at_rest(each)
    gates._all_open = False
    async with boxed_workers(plan, 2, loaded=False) as box:
        for each in box.workers:
            answer = await (await each.client()).ask(target)
            assert answer.body == film_bytes(1, 0, FILM_BYTES)
            assert "; hit" in answer.fields["cache-status"]
        assert film.requests == [""]
        film.version = 2
        (other,) = box.others(target)
        other.worker.changes.invalidate(target.encode())
        await other.worker.changes.settled()
        viewers = [await each.client() for each in box.workers]
        asking = [asyncio.ensure_future(viewer.ask(target)) for viewer in viewers]
        loading = box.owner(target).worker.holdings.loading
        await eventually(lambda: bool(loading._wanted), "the owner waits for its shelf")
        gates.open()
        for answer in await asyncio.gather(*asking):
            assert answer.body == film_bytes(2, 0, FILM_BYTES)
