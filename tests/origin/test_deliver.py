"""GET and HEAD of a stored object, byte for byte, over a real connection."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.parser import BytesParser
from pathlib import Path

import pytest
from aiohttp import web

from cdnkit.dates import format_http_date
from cdnkit.service.app import build_app
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from cdnkit.service.run import serve
from cdnkit.validators import Validators
from origin.deliver import deliver
from origin.reply import say
from origin.store.base import ByteStore, StoredObject
from origin.store.memory import MemoryStore
from tests.origin.store.stores import copies_of, disk_store, put

DATA = bytes(n * 7 % 251 for n in range(10_000))
ETAG = '"1-abc"'
MODIFIED = 1_700_000_000


class Server:
    """A real server of one object and a client that speaks raw HTTP/1.1."""

    def __init__(self, host: str, port: int, store: ByteStore, stored: StoredObject) -> None:
        self.host, self.port = host, port
        self.store, self.stored = store, stored

    async def ask(
        self, fields: Mapping[str, str] | None = None, method: str = "GET"
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, fields, and everything that follows until the server closes."""
        lines = [f"{method} / HTTP/1.1", "Host: a", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (fields or {}).items()]
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        status, _, rest = head.partition(b"\r\n")
        found = dict(line.split(": ", 1) for line in rest.decode().split("\r\n"))
        return int(status.split()[1]), found, body


@asynccontextmanager
async def serving(store: ByteStore, data: bytes = DATA) -> AsyncIterator[Server]:
    receipt = await put(store, data)
    validators = Validators(ETAG, MODIFIED)
    said = say(
        len(data),
        "video/mp4",
        validators,
        "public, max-age=60",
        receipt.sha256,
        {"X-Extra": "1"},
    )

    async def handle(request: web.Request) -> web.StreamResponse:
        return await deliver(request, receipt.stored, said, store)

    health = Health()
    app = build_app(
        tier="origin",
        name="o",
        telemetry=Telemetry("origin", "o"),
        health=health,
        routes=[web.get("/", handle)],
    )
    async with serve(app, "127.0.0.1", 0, grace_seconds=0.1) as listening:
        yield Server(listening.host, listening.port, store, receipt.stored)


@pytest.fixture(params=["memory", "disk"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    if request.param == "memory":
        async with serving(MemoryStore(1000)) as running:
            yield running
        return
    async with disk_store(tmp_path, 2, 2) as store, serving(store) as running:
        yield running


async def test_the_whole_with_everything_a_client_may_need(server: Server) -> None:
    status, fields, body = await server.ask()
    assert (status, body) == (200, DATA)
    digest = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
    assert {name: fields[name] for name in fields if name not in ("Date", "X-Request-Id")} == {
        "Content-Type": "video/mp4",
        "Content-Length": "10000",
        "ETag": ETAG,
        "Last-Modified": format_http_date(MODIFIED),
        "Accept-Ranges": "bytes",
        "Cache-Control": "public, max-age=60",
        "Repr-Digest": f"sha-256=:{digest}:",
        "X-Extra": "1",
        "Server": "cinedge",
        "Connection": "close",
    }


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=999-1000", 999, 1001),
        ("bytes=500-3499", 500, 3500),
        ("bytes=-100", 9900, 10_000),
        ("bytes=9000-", 9000, 10_000),
        ("bytes=0-99999", 0, 10_000),
    ],
)
async def test_one_range(server: Server, asked: str, start: int, stop: int) -> None:
    status, fields, body = await server.ask({"Range": asked})
    assert (status, body) == (206, DATA[start:stop])
    assert fields["Content-Range"] == f"bytes {start}-{stop - 1}/10000"
    assert fields["Content-Length"] == str(stop - start)
    assert fields["ETag"] == ETAG


async def test_several_ranges_are_one_multipart_body(server: Server) -> None:
    status, fields, body = await server.ask({"Range": "bytes=0-9, 5000-6999, -5"})
    assert status == 206
    assert "Content-Range" not in fields
    assert int(fields["Content-Length"]) == len(body)
    message = BytesParser().parsebytes(
        f"Content-Type: {fields['Content-Type']}\r\n\r\n".encode() + body
    )
    parts = [part for part in message.walk() if not part.is_multipart()]
    assert [part["Content-Range"] for part in parts] == [
        "bytes 0-9/10000",
        "bytes 5000-6999/10000",
        "bytes 9995-9999/10000",
    ]
    for content in (DATA[:10], DATA[5000:7000], DATA[9995:]):
        assert b"\r\n\r\n" + content + b"\r\n--" in body


@pytest.mark.parametrize("asked", ["bytes=10000-", "bytes=-0", "bytes=20000-30000"])
async def test_a_range_past_the_end_is_416_with_the_length(server: Server, asked: str) -> None:
    status, fields, body = await server.ask({"Range": asked})
    assert status == 416
    assert fields["Content-Range"] == "bytes */10000"
    assert fields["X-Extra"] == "1"
    assert fields["Content-Type"] == "application/problem+json"
    assert b"range-not-satisfiable" in body


@pytest.mark.parametrize("asked", ["seconds=0-9", "bytes=9-5", "bytes=a-b", "bytes=+1-2", "0-9"])
async def test_a_range_that_is_none_is_ignored(server: Server, asked: str) -> None:
    status, _, body = await server.ask({"Range": asked})
    assert (status, body) == (200, DATA)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"If-None-Match": ETAG}, 304),
        ({"If-None-Match": 'W/"1-abc"'}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": ETAG, "Range": "bytes=0-9"}, 304),
        ({"If-Modified-Since": format_http_date(MODIFIED)}, 304),
        ({"If-Modified-Since": format_http_date(MODIFIED - 1)}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": ETAG}, 200),
        ({"If-Unmodified-Since": format_http_date(MODIFIED - 1)}, 412),
        ({"If-Range": ETAG, "Range": "bytes=0-9"}, 206),
        ({"If-Range": 'W/"1-abc"', "Range": "bytes=0-9"}, 200),
        ({"If-Range": '"other"', "Range": "bytes=0-9"}, 200),
        ({"If-Range": format_http_date(MODIFIED), "Range": "bytes=0-9"}, 206),
        ({"If-Range": format_http_date(MODIFIED + 1), "Range": "bytes=0-9"}, 200),
        ({"If-Range": '"other"', "Range": "bytes=10000-"}, 200),
    ],
)
async def test_conditions(server: Server, fields: dict[str, str], status: int) -> None:
    found, answered, body = await server.ask(fields)
    assert found == status
    if status == 304:
        assert body == b""
        assert answered["ETag"] == ETAG
        assert answered["Cache-Control"] == "public, max-age=60"
        assert "Content-Length" not in answered


@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=0-9"}, {"Range": "bytes=10000-"}])
async def test_head_is_the_whole_without_a_body(server: Server, asked: dict[str, str]) -> None:
    status, fields, body = await server.ask(asked, method="HEAD")
    assert (status, body) == (200, b"")
    assert fields["Content-Length"] == "10000"
    assert fields["ETag"] == ETAG


async def test_an_empty_object_has_no_ranges() -> None:
    async with serving(MemoryStore(), b"") as server:
        assert (await server.ask())[::2] == (200, b"")
        assert (await server.ask({"Range": "bytes=-5"}))[0] in (200, 416)
        assert (await server.ask({"Range": "bytes=0-"}))[0] == 416


async def test_requests_follow_each_other_on_one_connection(server: Server) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    ask = "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes={}-{}\r\n\r\n"
    spans = [(n * 317 % 9000, n * 317 % 9000 + n * 13) for n in range(1, 40)]
    writer.write("".join(ask.format(*span) for span in spans).encode())
    for first, last in spans:
        head = await reader.readuntil(b"\r\n\r\n")
        assert f"bytes {first}-{last}/10000".encode() in head
        assert await reader.readexactly(last - first + 1) == DATA[first : last + 1]
    writer.close()


async def test_lost_bytes_are_an_error_before_the_head(server: Server) -> None:
    await server.store.delete(server.stored)
    status, _, body = await server.ask({"Range": "bytes=0-9"})
    assert status == 404
    assert b"not-found" in body


async def test_a_file_cut_short_is_made_good_from_its_copy(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 2, 2) as store, serving(store) as server:
        assert (await server.ask())[2] == DATA
        lease = await store.lease(server.stored, 3000, 3001)
        used = os.readlink(f"/proc/self/fd/{lease.slices[0].fd}")
        lease.release()
        os.truncate(used, 500)
        assert (await server.ask())[2] == DATA


async def test_a_body_that_cannot_be_completed_breaks_the_connection(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 1, 1) as store, serving(store) as server:
        lease = await store.lease(server.stored, 0, len(DATA))
        for path in copies_of(tmp_path, server.stored, 3):
            os.truncate(path, 500)
        status, fields, body = await server.ask()
        lease.release()
        assert status == 200
        assert fields["Content-Length"] == "10000"
        assert body == DATA[:3000], "nothing of a piece that is not whole"


class ShortStore(MemoryStore):
    """Gives less than it was asked for."""

    async def read(self, stored: StoredObject, start: int, stop: int) -> AsyncIterator[bytes]:
        async for piece in super().read(stored, start, stop - 1):
            yield piece


async def test_a_store_that_ends_early_breaks_the_connection() -> None:
    async with serving(ShortStore(1000)) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        assert answer.endswith(DATA[-11:-1])
        assert b"Content-Length: 10000\r\n" in answer
        writer.close()


def open_descriptors() -> list[str]:
    return [fd for fd in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{fd}")]


async def test_a_client_that_leaves_is_no_event(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = bytes(30_000_000)
    async with (
        disk_store(tmp_path, extent_bytes=1 << 24) as store,
        serving(store, data) as server,
    ):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readexactly(1000)
        writer.transport.abort()
        assert (await server.ask({"Range": "bytes=0-9"}))[2] == bytes(10)
        await store.delete(server.stored)
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    links = [os.readlink(f"/proc/self/fd/{fd}") for fd in open_descriptors()]
    assert not [link for link in links if link.startswith(str(tmp_path))]
