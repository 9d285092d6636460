"""What goes over the wire while bytes come in: interim answers, go-aheads, ends."""

from __future__ import annotations

import asyncio
import os

from tests.origin.conftest import EXTENT_BYTES, RunningOrigin
from tests.origin.resumable.test_handlers import FILM, KEY, call, create, offset_of, patch

PUT = f"PUT /v1/content/{KEY} HTTP/1.1\r\nHost: localhost\r\n"


async def connect(origin: RunningOrigin) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(origin.host, origin.port)


async def head_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().splitlines()
    pairs = [line.split(": ", 1) for line in lines[1:] if line]
    return int(lines[0].split()[1]), {name.lower(): value for name, value in pairs}


async def test_a_put_that_may_be_resumed_is_told_where_before_it_ends(
    origin: RunningOrigin,
) -> None:
    reader, writer = await connect(origin)
    writer.write((PUT + f"Content-Length: {len(FILM)}\r\nUpload-Complete: ?1\r\n\r\n").encode())
    status, fields = await head_of(reader)
    assert status == 104
    assert "max-size=" in fields["upload-limit"]
    writer.write(FILM[:100_000])
    await writer.drain()
    url = "/v1" + fields["location"].partition("/v1")[2]
    writer.transport.abort()
    status, fields, _ = await call(origin, "HEAD", url)
    at = int(fields["Upload-Offset"])
    assert (status, fields["Upload-Length"]) == (200, str(len(FILM)))
    kind = {"Content-Type": "application/partial-upload", "Upload-Complete": "?1"}
    status, fields, _ = await call(origin, "PATCH", url, FILM[at:], **kind, Upload_Offset=str(at))
    assert (status, fields["Upload-Complete"]) == (201, "?1")
    assert await origin.bytes_of(KEY) == FILM


async def test_progress_is_told_in_interim_answers(origin: RunningOrigin) -> None:
    film = os.urandom(20 * 1024 * 1024)
    reader, writer = await connect(origin)
    writer.write((PUT + f"Content-Length: {len(film)}\r\nUpload-Complete: ?1\r\n\r\n").encode())
    writer.write(film)
    told = []
    while (answer := await head_of(reader))[0] == 104:
        told.append(answer[1])
    assert answer[0] == 201
    offsets = [int(fields["upload-offset"]) for fields in told[1:]]
    assert offsets
    assert offsets == sorted(offsets)
    assert "location" in told[0]
    assert all("location" not in fields for fields in told[1:])
    assert await origin.bytes_of(KEY) == film
    writer.close()


async def test_http_1_0_is_sent_no_interim_answer(origin: RunningOrigin) -> None:
    reader, writer = await connect(origin)
    head = PUT.replace("1.1", "1.0") + "Content-Length: 3\r\nUpload-Complete: ?1\r\n\r\nabc"
    writer.write(head.encode())
    status, _ = await head_of(reader)
    assert status == 201
    writer.close()


async def test_a_refused_patch_is_told_before_its_body(origin: RunningOrigin) -> None:
    url = await create(origin, len(FILM))
    reader, writer = await connect(origin)
    path = "/v1" + url.partition("/v1")[2]
    fields = "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
    head = f"PATCH {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Expect: 100-continue\r\n"
    writer.write(f"{head}Upload-Offset: 7\r\nContent-Length: 1000000\r\n\r\n".encode())
    status, answered = await head_of(reader)
    assert (status, answered["upload-offset"]) == (409, "0")
    assert answered["connection"] == "close"
    writer.close()
    reader, writer = await connect(origin)
    writer.write(f"{head}Upload-Offset: 0\r\nContent-Length: 5\r\n\r\n".encode())
    assert (await head_of(reader))[0] == 100
    writer.write(FILM[:5])
    assert (await head_of(reader))[0] == 204
    writer.close()


async def test_an_older_request_hears_that_it_is_over(origin: RunningOrigin) -> None:
    url = await create(origin, len(FILM))
    reader, writer = await connect(origin)
    path = "/v1" + url.partition("/v1")[2]
    writer.write(
        f"PATCH {path} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\n"
        "Content-Type: application/offset+octet-stream\r\n"
        f"Upload-Offset: 0\r\nContent-Length: {len(FILM)}\r\n\r\n".encode()
    )
    writer.write(FILM[: EXTENT_BYTES + 5])
    await writer.drain()
    at = await offset_of(origin, url)
    status, fields = await head_of(reader)
    assert (status, fields["connection"]) == (409, "close")
    assert await offset_of(origin, url) == at
    assert (await patch(origin, url, at, FILM[at:]))[0] == 204
    assert await origin.bytes_of(KEY) == FILM
    writer.close()


async def test_chunked_content_of_unknown_length_is_taken(origin: RunningOrigin) -> None:
    async def pieces() -> object:
        for at in range(0, len(FILM), 10_000):
            yield FILM[at : at + 10_000]

    status, fields, _ = await call(
        origin, "PUT", f"/v1/content/{KEY}", pieces(), Upload_Complete="?1"
    )
    assert (status, fields["Upload-Complete"]) == (201, "?1")
    assert await origin.bytes_of(KEY) == FILM


async def test_chunked_content_shorter_than_announced_is_not_complete(
    origin: RunningOrigin,
) -> None:
    async def pieces() -> object:
        yield b"abc"

    status, _, body = await call(
        origin, "PUT", f"/v1/content/{KEY}", pieces(), Upload_Complete="?1", Upload_Length="5"
    )
    assert status == 400
    assert b"inconsistent-upload-length" in body
    assert origin.parts.catalog.objects.get(KEY) is None


async def test_locations_go_the_way_the_client_came(origin: RunningOrigin) -> None:
    url = await create(origin, 3, Host="localhost:8443", X_Forwarded_Proto="https")
    assert url.startswith("https://localhost:8443/v1/uploads/")
    assert (await create(origin, 3, X_Forwarded_Proto="gopher")).startswith("http://127.0.0.1:")
