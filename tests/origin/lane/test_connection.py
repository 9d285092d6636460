"""A lane connection when clients are slow or gone, and when bytes are cold, damaged or lost."""

from __future__ import annotations

import os
import random
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from origin.lane.connection import WINDOW_BYTES
from tests.helpers.raw_client import CutShortError
from tests.origin.lane.doors import EXTENT_BYTES, Doors, doors
from tests.origin.store.stores import flip_in_place

FILM = random.Random(6).randbytes(3 * WINDOW_BYTES + 77)
TARGET = "/v1/content/film"


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Doors]:
    async with doors(tmp_path) as opened:
        await opened.put("film", FILM)
        yield opened


def extent_file(root: Path, index: int) -> Path:
    (found,) = root.glob(f"data/volume/extents/*/*-{index}")
    return found


def open_files(root: Path) -> int:
    links = (os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd"))
    return sum("/extents/" in link for link in links if link.startswith(str(root)))


async def test_a_film_longer_than_any_buffer_arrives_at_a_slow_reader(pair: Doors) -> None:
    client = await pair.connect(4096)
    answer = await client.ask(TARGET)
    assert (answer.status, answer.body) == (200, FILM)
    again = await client.ask(TARGET, "Range: bytes=65530-65545")
    assert again.body == FILM[65530:65546]
    client.sock.close()


async def test_clients_take_turns(pair: Doors) -> None:
    clients = [await pair.connect() for _ in range(8)]
    for client in clients:
        await client.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % TARGET.encode())
    for client in clients:
        assert (await client.answer()).body == FILM
        client.sock.close()


async def test_bytes_that_are_not_in_memory_come_from_the_disk(pair: Doors, tmp_path: Path) -> None:
    client = await pair.connect()
    for _ in range(2):
        for index in (0, 7, 20):
            fd = os.open(extent_file(tmp_path, index), os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
        assert (await client.ask(TARGET)).body == FILM
    client.sock.close()


async def test_a_damaged_beginning_is_an_error_and_not_a_part(pair: Doors, tmp_path: Path) -> None:
    flip_in_place(extent_file(tmp_path, 0), 5)
    client = await pair.connect()
    answer = await client.ask(TARGET, "Range: bytes=0-9")
    assert answer.status == 503
    good = await client.ask(TARGET, f"Range: bytes={EXTENT_BYTES}-{EXTENT_BYTES + 9}")
    assert good.body == FILM[EXTENT_BYTES : EXTENT_BYTES + 10]
    client.sock.close()


async def test_damage_in_the_middle_ends_the_answer_before_it(pair: Doors, tmp_path: Path) -> None:
    """Even when the bytes were served before, and the file is open."""
    client = await pair.connect()
    assert (await client.ask(TARGET)).body == FILM
    flip_in_place(extent_file(tmp_path, 40), 5)
    with pytest.raises(CutShortError) as cut:
        await client.ask(TARGET)
    _, _, body = cut.value.received.rpartition(b"\r\n\r\n")
    assert FILM.startswith(body)
    assert len(body) <= 40 * EXTENT_BYTES
    client.sock.close()
    lines = await pair.lines()
    assert [line.get("error") for line in lines if line["status"] == 200] == [None, "unavailable"]


async def test_a_client_that_leaves_leaves_nothing_behind(pair: Doors, tmp_path: Path) -> None:
    for hard in (True, False):
        client = await pair.connect(4096)
        await client.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % TARGET.encode())
        await client._loop.sock_recv(client.sock, 100)
        if hard:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sock.close()
    other = await pair.connect()
    assert (await other.ask(TARGET)).body == FILM
    other.sock.close()
    row = pair.parts.catalog.objects.get("film")
    assert row is not None
    await pair.parts.store.delete(row.stored)
    async with pair.lane_has(0):
        await pair.parts.store.close()
    assert open_files(tmp_path) == 0
    gone = [line for line in await pair.lines() if line.get("error") == "client-gone"]
    assert len(gone) == 2


async def test_what_is_deleted_while_it_is_sent_is_sent_whole(pair: Doors) -> None:
    client = await pair.connect(4096)
    await client.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % TARGET.encode())
    first = await client._loop.sock_recv(client.sock, 1000)
    row = pair.parts.catalog.objects.get("film")
    assert row is not None
    await pair.parts.store.delete(row.stored)
    client.buffer = first
    assert (await client.answer()).body == FILM
    client.sock.close()
