"""Origins as they are: only what may be combined is, and no version meets another."""

from __future__ import annotations

import asyncio
import random
from asyncio import StreamReader, StreamWriter
from functools import partial

import pytest

from edge.entry import Entry
from tests.edge.conftest import BLOCK, Asked, Edge, Origin, eventually, plain_answer, says
from tests.edge.rest import all_at_rest
from tests.helpers.film_origin import FilmOrigin, film_bytes, is_one_version
from tests.helpers.raw_client import Answer, CutShortError, head

TARGET = "/films/a.mp4"
SIZE = 16 * BLOCK + 321
FIRST_BLOCKS = 2
"""What a question about unknown content asks for when one block is wanted."""
FIRST = FIRST_BLOCKS * BLOCK


@pytest.fixture
def film(origin: Origin) -> FilmOrigin:
    """A film of a little more than 16 blocks."""
    made = FilmOrigin(SIZE, BLOCK)
    origin.scripts[TARGET] = made.serve
    return made


def part(start: int, stop: int) -> str:
    return f"Range: bytes={start}-{stop - 1}"


def entry_of(edge: Edge) -> Entry | None:
    return edge.worker.holdings.entries.get(TARGET.encode())


async def one(edge: Edge, *lines: str) -> Answer:
    return await (await edge.client()).ask(TARGET, *lines)


async def crowd(edge: Edge, count: int = 12) -> None:
    """Viewers of the whole and of parts at once; every one gets exactly what it asked for."""
    chance = random.Random(count)

    async def view(number: int) -> None:
        if number % 2:
            assert (await one(edge)).body == film_bytes(1, 0, SIZE)
            return
        start = chance.randrange(SIZE - 1)
        stop = chance.randrange(start + 1, SIZE)
        answer = await one(edge, part(start, stop))
        if answer.status == 200:
            assert answer.body == film_bytes(1, 0, SIZE)
        else:
            assert answer.body == film_bytes(1, start, stop)

    await asyncio.gather(*(view(number) for number in range(count)))


async def test_an_origin_without_ranges_is_asked_once_for_everything(
    edge: Edge, film: FilmOrigin
) -> None:
    film.ranges = False
    answer = await one(edge, part(9 * BLOCK, 9 * BLOCK + 10))
    assert answer.body == film_bytes(1, 9 * BLOCK, 9 * BLOCK + 10)
    await crowd(edge)
    assert len(film.requests) == 1
    assert film.sent_bytes == SIZE
    await all_at_rest(edge)


@pytest.mark.parametrize("etag", [None, 'W/"v{version}"'])
@pytest.mark.parametrize("ranges", [True, False])
async def test_without_a_strong_validator_parts_are_never_combined(
    edge: Edge, film: FilmOrigin, etag: str | None, ranges: bool
) -> None:
    film.etag, film.ranges = etag, ranges
    await crowd(edge)
    assert film.requests.count("") <= 1
    assert film.sent_bytes <= SIZE + FIRST
    await crowd(edge)
    assert len(film.requests) <= 2
    await all_at_rest(edge)


async def test_last_modified_alone_is_no_strong_validator(edge: Edge, film: FilmOrigin) -> None:
    film.etag = None
    film.lines = (*film.lines, "Last-Modified: Tue, 01 Jul 2025 00:00:00 GMT")
    await crowd(edge)
    entry = entry_of(edge)
    assert entry is not None
    assert not entry.is_rangeable
    assert entry.is_complete
    await all_at_rest(edge)


async def test_a_broken_fill_of_what_cannot_be_combined_cuts_and_starts_afresh(
    edge: Edge, film: FilmOrigin
) -> None:
    film.etag, film.cuts = None, [5 * BLOCK + 10]
    with pytest.raises(CutShortError) as cut:
        await one(edge)
    assert film_bytes(1, 0, SIZE).startswith(cut.value.received)
    assert (await one(edge)).body == film_bytes(1, 0, SIZE)
    await all_at_rest(edge)


WRONG = {
    "another part": f"bytes 7-{FIRST + 6}/{SIZE}",
    "a part of another length": f"bytes 0-99/{SIZE}",
    "no size": f"bytes 0-{FIRST - 1}/*",
    "nonsense": "lines 1-2/3",
    "past its own end": f"bytes 0-{FIRST - 1}/100",
}


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG)
async def test_a_part_nobody_asked_for_is_never_stored(
    edge: Edge, film: FilmOrigin, said: str
) -> None:
    film.content_range = said
    answer = await one(edge, part(0, 100))
    assert answer.body == film_bytes(1, 0, 100)
    assert film.requests[:2] == [f"bytes=0-{FIRST - 1}", ""]
    await all_at_rest(edge)


async def test_wrong_parts_in_mid_film_are_not_believed(edge: Edge, film: FilmOrigin) -> None:
    assert (await one(edge, part(0, 10))).body == film_bytes(1, 0, 10)
    await eventually(lambda: not edge.worker.fills._tasks, "read-ahead is over")
    film.content_range = f"bytes 1-{BLOCK}/{SIZE}"
    with pytest.raises(CutShortError) as cut:
        await one(edge, part(10 * BLOCK, 11 * BLOCK))
    assert cut.value.received == b""
    await all_at_rest(edge)
    film.content_range = ""
    answer = await one(edge, part(10 * BLOCK, 11 * BLOCK))
    assert answer.body == film_bytes(1, 10 * BLOCK, 11 * BLOCK)


@pytest.mark.parametrize("extra", [-10, 10])
async def test_a_part_of_wrong_length_is_never_stored(
    edge: Edge, origin: Origin, film: FilmOrigin, extra: int
) -> None:
    async def wrong(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        if "range" not in asked.fields:
            await film.serve(asked, reader, writer)
            return
        body = film_bytes(1, 0, FIRST + extra)
        said = f"Content-Range: bytes 0-{FIRST - 1}/{SIZE}"
        writer.write(plain_answer("206 P", body, said, f"ETag: {film.tag()}", *film.lines))

    origin.scripts[TARGET] = wrong
    assert (await one(edge, part(5, 500))).body == film_bytes(1, 5, 500)
    await all_at_rest(edge)


@pytest.mark.parametrize("extra", [-10, 10, 100_000])
async def test_a_chunked_part_of_wrong_length_costs_its_connection_only(
    edge: Edge, origin: Origin, film: FilmOrigin, extra: int, caplog: pytest.LogCaptureFixture
) -> None:
    lies = 1

    async def wrong(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal lies
        if "range" not in asked.fields or not lies:
            await film.serve(asked, reader, writer)
            return
        lies -= 1
        body = film_bytes(1, 0, FIRST + extra)
        lines = [f"Content-Range: bytes 0-{FIRST - 1}/{SIZE}", f"ETag: {film.tag()}", *film.lines]
        text = "\r\n".join(["HTTP/1.1 206 P", "Transfer-Encoding: chunked", *lines, "", ""])
        writer.write(text.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    origin.scripts[TARGET] = wrong
    assert (await one(edge, part(0, BLOCK))).body == film_bytes(1, 0, BLOCK)
    assert (await one(edge)).body == film_bytes(1, 0, SIZE)
    await all_at_rest(edge)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_multipart_answer_to_one_range_is_not_combined(
    edge: Edge, origin: Origin, film: FilmOrigin
) -> None:
    async def parts(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        if "range" not in asked.fields:
            await film.serve(asked, reader, writer)
            return
        body = b"--x\r\nContent-Range: bytes 0-1/10\r\n\r\nab\r\n--x--\r\n"
        lines = ("Content-Type: multipart/byteranges; boundary=x", f"ETag: {film.tag()}")
        writer.write(plain_answer("206 P", body, *lines, "Cache-Control: max-age=9"))

    origin.scripts[TARGET] = parts
    assert (await one(edge, part(0, 10))).body == film_bytes(1, 0, 10)
    await all_at_rest(edge)


async def test_chunked_parts_are_filled_like_others(edge: Edge, film: FilmOrigin) -> None:
    film.chunked = True
    assert (await one(edge, part(3 * BLOCK, 3 * BLOCK + 5))).body == film_bytes(
        1, 3 * BLOCK, 3 * BLOCK + 5
    )
    await crowd(edge)
    await all_at_rest(edge)
    assert max(film.sent.values()) <= BLOCK


async def test_a_whole_answer_of_unannounced_length_is_kept_when_all_of_it_came(
    edge: Edge, film: FilmOrigin
) -> None:
    film.chunked = True
    assert (await one(edge)).body == film_bytes(1, 0, SIZE)
    assert (await one(edge, part(5, 10))).body == film_bytes(1, 5, 10)
    assert len(film.requests) == 1
    await all_at_rest(edge)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK])
@pytest.mark.parametrize("etag", [None, '"v{version}"'])
async def test_every_size_is_exact_to_the_byte(
    edge: Edge, film: FilmOrigin, size: int, etag: str | None
) -> None:
    film.size_bytes, film.etag = size, etag
    for _ in range(2):
        assert (await one(edge)).body == film_bytes(1, 0, size)
        beyond = await one(edge, part(size, size + 5))
        assert beyond.status == 416
        assert beyond.fields["content-range"] == f"bytes */{size}"
        if size:
            assert (await one(edge, "Range: bytes=-1")).body == film_bytes(1, size - 1, size)
    assert film.sent_bytes == size
    await all_at_rest(edge)


async def test_a_first_question_past_the_end_learns_the_size(edge: Edge, film: FilmOrigin) -> None:
    answer = await one(edge, part(SIZE + BLOCK, SIZE + BLOCK + 1))
    assert answer.status == 416
    assert answer.fields["content-range"] == f"bytes */{SIZE}"
    assert film.requests == [
        f"bytes={17 * BLOCK}-{17 * BLOCK + FIRST - 1}",
        f"bytes=0-{FIRST - 1}",
    ]
    await all_at_rest(edge)


async def test_an_absurd_size_costs_no_memory(edge: Edge, film: FilmOrigin, origin: Origin) -> None:
    async def vast(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        if "range" not in asked.fields:
            await film.serve(asked, reader, writer)
            return
        said = f"Content-Range: bytes 0-{FIRST - 1}/{1 << 60}"
        body = film_bytes(1, 0, FIRST)
        writer.write(plain_answer("206 P", body, said, 'ETag: "x"', *film.lines))

    origin.scripts[TARGET] = vast
    assert (await one(edge, part(0, 10))).body == film_bytes(1, 0, 10)
    await all_at_rest(edge)


CHANGES = {
    "other bytes, same size": {"version": 2},
    "other bytes, same size, conditions ignored": {"version": 2, "honours_if_match": False},
    "another size": {"version": 2, "size_bytes": SIZE - 3 * BLOCK, "honours_if_match": False},
    "gone": {"version": 2, "status": "404 Not Found"},
    "no ranges any more": {"version": 2, "ranges": False, "honours_if_match": False},
    "no validator any more": {"version": 2, "etag": None, "honours_if_match": False},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_change_between_blocks_cuts_and_the_next_viewer_gets_the_new_version(
    edge: Edge, film: FilmOrigin, change: dict[str, object]
) -> None:
    assert (await one(edge, part(0, 2 * BLOCK))).body == film_bytes(1, 0, 2 * BLOCK)
    await eventually(lambda: not edge.worker.fills._tasks, "read-ahead is over")
    await eventually(lambda: edge.worker.holdings.held_blocks == 4, "it is held")
    for name, value in change.items():
        setattr(film, name, value)
    clients = [await edge.client() for _ in range(5)]
    for client in clients:
        await client.send(head(TARGET, part(2 * BLOCK, SIZE)))
    for client in clients:
        with pytest.raises(CutShortError) as cut:
            await client.answer()
        assert film_bytes(1, 2 * BLOCK, 4 * BLOCK).startswith(cut.value.received)
    answer = await one(edge)
    if film.status:
        assert answer.status == 404
    else:
        assert answer.body == film_bytes(2, 0, film.size_bytes)
    await all_at_rest(edge)


@pytest.mark.parametrize("honours", [True, False])
async def test_no_body_mixes_versions_while_the_film_is_replaced_again_and_again(
    edge: Edge, film: FilmOrigin, honours: bool
) -> None:
    film.honours_if_match = honours
    film.lines = ("Cache-Control: max-age=0",)
    chance = random.Random(1)
    whole = 0

    async def view() -> None:
        nonlocal whole
        client = await edge.client()
        for _ in range(4):
            start = chance.randrange(SIZE - 1)
            stop = chance.randrange(start + 1, SIZE)
            try:
                answer = await client.ask(TARGET, part(start, stop))
            except CutShortError:
                client = await edge.client()
                continue
            assert answer.status == 206
            assert is_one_version(answer.body, start, range(1, film.version + 1))
            whole += 1

    async def replace() -> None:
        for least in range(8, 80, 9):
            enough = partial(lambda count: len(film.requests) >= count or not viewing, least)
            await eventually(enough, "the origin is asked")
            film.version += 1

    viewing = {asyncio.ensure_future(view()) for _ in range(100)}
    for task in list(viewing):
        task.add_done_callback(viewing.discard)
    await asyncio.gather(replace(), *viewing)
    assert whole > 20
    answer = await one(edge)
    assert answer.body == film_bytes(film.version, 0, SIZE)
    await all_at_rest(edge)


async def test_an_origin_that_answers_every_question_in_full_keeps_its_blocks_held(
    edge: Edge, film: FilmOrigin
) -> None:
    """The same strong validator again is the same version: nothing is fetched twice."""
    film.lines = ("Cache-Control: max-age=0",)
    assert (await one(edge)).body == film_bytes(1, 0, SIZE)
    await eventually(lambda: not edge.worker.fills._saving, "all is saved")
    entry = entry_of(edge)
    film.etag = '"v{version}-{size}" '  # Not what If-None-Match says, but the same on the wire.
    received = edge.worker.fills.received_bytes_total
    assert (await one(edge)).body == film_bytes(1, 0, SIZE)
    assert film.requests == ["", ""]
    assert entry_of(edge) is entry
    assert edge.worker.fills.received_bytes_total == received
    await all_at_rest(edge)


async def test_a_joined_question_never_gives_another_viewers_variant(
    edge: Edge, origin: Origin
) -> None:
    release = asyncio.Event()

    async def spoken(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        await release.wait()
        body = asked.fields["accept-language"].encode()
        lines = ("Vary: Accept-Language", "Cache-Control: max-age=60", 'ETag: "x"')
        writer.write(plain_answer("200 OK", body, *lines))

    origin.scripts[TARGET] = spoken
    clients = [(await edge.client(), language) for language in ("de", "en", "fr") * 4]
    for client, language in clients:
        await client.send(head(TARGET, f"Accept-Language: {language}"))
    connections = edge.worker.server.connections.values
    await eventually(
        lambda: sum(each.exchange is not None for each in connections()) == 12, "all have asked"
    )
    release.set()
    for client, language in clients:
        assert (await client.answer()).body == language.encode()
    assert len(origin.asked) == 3
    await all_at_rest(edge)


def held_back(origin: Origin, film: FilmOrigin) -> tuple[list[asyncio.Event], list[int]]:
    """The n-th question is answered with the version of then when event n is set."""
    gates = [asyncio.Event() for _ in range(4)]
    versions: list[int] = []

    async def serve(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        number, version = len(versions), film.version
        versions.append(version)
        if number < len(gates):
            await gates[number].wait()
        now, film.version = film.version, version
        await film.serve(asked, reader, writer)
        film.version = now

    origin.scripts[TARGET] = serve
    return gates, versions


async def test_an_answer_asked_for_before_a_purge_is_not_served_to_who_asks_after(
    edge: Edge, origin: Origin, film: FilmOrigin
) -> None:
    gates, versions = held_back(origin, film)
    early = asyncio.ensure_future(one(edge))
    await eventually(lambda: len(versions) == 1, "the first question is on its way")
    film.version = 2
    edge.worker.holdings.invalidate(TARGET.encode())
    late = asyncio.ensure_future(one(edge))
    await eventually(lambda: len(versions) == 2, "nobody joins a question that is too old")
    gates[1].set()
    assert (await late).body == film_bytes(2, 0, SIZE)
    gates[0].set()
    assert (await early).body == film_bytes(1, 0, SIZE)
    for gate in gates:
        gate.set()
    assert (await one(edge)).body == film_bytes(2, 0, SIZE)
    await all_at_rest(edge)


async def test_a_304_asked_for_before_a_purge_brings_nothing_back(
    edge: Edge, origin: Origin, film: FilmOrigin
) -> None:
    film.lines = ("Cache-Control: max-age=0",)
    assert (await one(edge)).body == film_bytes(1, 0, SIZE)
    await eventually(lambda: edge.worker.holdings.held_blocks == 17, "all is held")
    film.lines = ("Cache-Control: max-age=3600",)
    gates, versions = held_back(origin, film)
    early = asyncio.ensure_future(one(edge))
    await eventually(lambda: len(versions) == 1, "the question is on its way")
    film.version = 2
    edge.worker.holdings.invalidate(TARGET.encode())
    for gate in gates:
        gate.set()
    assert (await early).body == film_bytes(2, 0, SIZE)
    assert (await one(edge)).body == film_bytes(2, 0, SIZE)
    await all_at_rest(edge)


async def test_hit_for_miss_is_kept_for_the_variant_it_was_said_of(
    edge: Edge, origin: Origin
) -> None:
    async def by_language(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        language = asked.fields["accept-language"]
        keep = "no-store" if language == "de" else "max-age=60"
        lines = ("Vary: Accept-Language", f"Cache-Control: {keep}")
        writer.write(plain_answer("200 OK", language.encode(), *lines))

    origin.scripts[TARGET] = by_language
    for language in ("en", "de", "de", "en"):
        answer = await one(edge, f"Accept-Language: {language}")
        assert answer.body == language.encode()
    status = (await one(edge, "Accept-Language: de")).fields["cache-status"]
    assert "fwd=bypass" in status
    assert "hit" in (await one(edge, "Accept-Language: en")).fields["cache-status"]


async def test_a_failure_that_passes_makes_nothing_uncacheable(
    edge: Edge, origin: Origin, film: FilmOrigin
) -> None:
    origin.scripts[TARGET] = says("500 Oops", b"broken")
    assert (await one(edge, part(0, 10))).status == 500
    assert len(origin.asked) == 1
    origin.scripts[TARGET] = film.serve
    assert (await one(edge)).body == film_bytes(1, 0, SIZE)
    assert entry_of(edge) is not None
    await all_at_rest(edge)


async def test_what_could_not_be_stored_is_tried_again_when_it_changed(
    edge: Edge, origin: Origin, film: FilmOrigin
) -> None:
    film.lines = ("Cache-Control: no-store",)
    await one(edge)
    film.lines = ("Cache-Control: max-age=60",)
    await one(edge)
    assert entry_of(edge) is None
    edge.worker.holdings.invalidate(TARGET.encode())
    await one(edge)
    assert entry_of(edge) is not None
    await all_at_rest(edge)
