"""Uploading, replacing and deleting objects over real connections."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cdnkit.wire import ChangeKind
from config.topology import AccessToken, Topology
from tests.origin.conftest import EXTENT_BYTES, RunningOrigin, StartOrigin

FILM = os.urandom(3 * EXTENT_BYTES + 17)
KEY = "films/a.mp4"
URL = f"/v1/content/{KEY}"


async def put(origin: RunningOrigin, key: str, data: Any, **headers: str) -> tuple[int, Any, Any]:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    async with origin.client.put(f"/v1/content/{key}", data=data, headers=fields) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers


def digest_field(algorithm: str, data: bytes) -> str:
    digest = hashlib.new(algorithm.replace("-", ""), data).digest()
    return f"{algorithm}=:{base64.b64encode(digest).decode()}:"


def unpublished(origin: RunningOrigin) -> bool:
    catalog = origin.parts.catalog
    return catalog.objects.get(KEY) is None and catalog.journal.last == 0


async def test_new_object_is_created_and_described(origin: RunningOrigin) -> None:
    status, body, headers = await put(origin, KEY, FILM, Content_Type="video/mp4")
    sha256 = hashlib.sha256(FILM).hexdigest()
    assert status == 201
    assert headers["Location"] == URL
    assert headers["ETag"] == body["etag"] == f'"1-{sha256[:16]}"'
    assert body["key"] == KEY
    assert body["generation"] == 1
    assert body["size_bytes"] == len(FILM)
    assert body["sha256"] == sha256
    assert body["url"].endswith(URL)
    assert await origin.bytes_of(KEY) == FILM


async def test_replacing_gives_the_next_generation_and_tells_the_journal(
    origin: RunningOrigin,
) -> None:
    await put(origin, KEY, b"old")
    status, body, _ = await put(origin, KEY, b"new!")
    assert (status, body["generation"]) == (200, 2)
    assert await origin.bytes_of(KEY) == b"new!"
    told = [(c.kind, c.generation) for c in await origin.parts.catalog.changes_after(0, 10)]
    assert told == [(ChangeKind.PUBLISH, 1), (ChangeKind.PUBLISH, 2)]


async def test_generation_is_not_used_again_after_delete_and_restart(
    start_origin: StartOrigin,
) -> None:
    async with start_origin() as origin:
        await put(origin, KEY, b"first")
        async with origin.client.delete(URL) as answer:
            assert answer.status == 204
        async with origin.client.get(URL) as answer:
            assert answer.status == 404
    async with start_origin() as origin:
        status, body, _ = await put(origin, KEY, b"second")
        assert (status, body["generation"]) == (201, 2)


async def test_empty_and_chunked_objects_are_taken_in(origin: RunningOrigin) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(FILM), 10_000):
            yield FILM[start : start + 10_000]

    assert (await put(origin, "empty", b""))[0] == 201
    assert await origin.bytes_of("empty") == b""
    status, body, _ = await put(origin, "chunked", pieces())
    assert (status, body["size_bytes"]) == (201, len(FILM))
    assert await origin.bytes_of("chunked") == FILM


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/content/", "bad-key"),
        ("/v1/content/a//b", "bad-key"),
        ("/v1/content/.hidden", "bad-key"),
        ("/v1/content/a%2Fb", "bad-key"),
        ("/v1/content/a%62", "bad-key"),
        ("/v1/cont%65nt/a", "bad-key"),
        ("http://localhost/v1/content/..", "bad-key"),
        ("/v1/content/v1/x", "bad-key"),
        ("/v1/content/" + "a" * 1025, "bad-key"),
    ],
)
async def test_bad_key_is_refused(origin: RunningOrigin, path: str, code: str) -> None:
    reader, writer = await asyncio.open_connection(origin.host, origin.port)
    writer.write(f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx".encode())
    head, body = await read_answer(reader)
    writer.close()
    assert b" 400 " in head.splitlines()[0]
    assert body["type"].endswith(code)
    assert len(origin.parts.catalog.objects) == 0


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
@pytest.mark.parametrize("field", ["Repr_Digest", "Content_Digest"])
async def test_announced_digest_is_verified(
    origin: RunningOrigin, algorithm: str, field: str
) -> None:
    status, body, _ = await put(origin, KEY, FILM, **{field: digest_field(algorithm, b"other")})
    assert (status, body["type"]) == (400, "urn:cinedge:problem:digest-mismatch")
    assert unpublished(origin)
    status, _, _ = await put(origin, KEY, FILM, **{field: digest_field(algorithm, FILM)})
    assert status == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Repr_Digest": "sha-256=nonsense"}, 400),
        ({"Content_Type": "video"}, 400),
        ({"Content_Range": "bytes 0-1/2"}, 400),
        ({"Content_Encoding": "br"}, 400),
        ({"If_Match": '"1-0000000000000000"'}, 412),
    ],
)
async def test_refused_head_changes_nothing(
    origin: RunningOrigin, headers: dict[str, str], status: int
) -> None:
    answered, body, _ = await put(origin, KEY, b"xy", **headers)
    assert (answered, body["status"]) == (status, status)
    assert unpublished(origin)


async def test_conditions_guard_what_stands_now(origin: RunningOrigin) -> None:
    _, first, _ = await put(origin, KEY, b"one", If_None_Match="*")
    assert (await put(origin, KEY, b"two", If_None_Match="*"))[0] == 412
    assert (await put(origin, KEY, b"two", If_Match=first["etag"]))[0] == 200
    assert (await put(origin, KEY, b"three", If_Match=first["etag"]))[0] == 412
    async with origin.client.delete(URL, headers={"If-Match": first["etag"]}) as answer:
        assert answer.status == 412
    assert await origin.bytes_of(KEY) == b"two"


async def test_larger_than_the_limit_is_refused_with_the_limit(start_origin: StartOrigin) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x" * 600
        yield b"x" * 600

    async with start_origin(object_bytes_max=1000) as origin:
        status, body, _ = await put(origin, KEY, b"x" * 1001)
        assert (status, body["limit_bytes"]) == (413, 1000)
        status, body, _ = await put(origin, KEY, endless())
        assert (status, body["limit_bytes"]) == (413, 1000)
        assert unpublished(origin)
        assert (await put(origin, KEY, b"x" * 1000))[0] == 201


async def test_upload_needs_a_token_with_the_scope(start_origin: StartOrigin) -> None:
    tokens = (
        AccessToken(name="studio", scopes=("upload",), secret="secret-of-the-studio"),
        AccessToken(name="desk", scopes=("purge",), secret="secret-of-the-desk"),
    )
    async with start_origin(Topology(access_tokens=tokens), open_uploads=False) as origin:
        assert (await put(origin, KEY, b"x"))[0] == 401
        assert (await put(origin, KEY, b"x", Authorization="Bearer secret-of-the-desk"))[0] == 403
        async with origin.client.delete(URL) as answer:
            assert answer.status == 401
        assert unpublished(origin)
        bearer = "Bearer secret-of-the-studio"
        assert (await put(origin, KEY, b"x", Authorization=bearer))[0] == 201


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, Any]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().splitlines()
        if line.startswith(b"content-length:")
    )
    return head, json.loads(await reader.readexactly(length) or b"null")


def upload_head(length: int, *fields: str) -> bytes:
    lines = [f"PUT {URL} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_refused_upload_is_told_before_its_body(start_origin: StartOrigin) -> None:
    async with start_origin(object_bytes_max=1000) as origin:
        reader, writer = await asyncio.open_connection(origin.host, origin.port)
        writer.write(upload_head(10_000_000, "Expect: 100-continue"))
        head, _ = await read_answer(reader)
        assert head.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in head.lower()
        assert await reader.read() == b"", "the server ends the connection"
        writer.close()


async def test_accepted_upload_is_told_to_go_on(origin: RunningOrigin) -> None:
    reader, writer = await asyncio.open_connection(origin.host, origin.port)
    writer.write(upload_head(5, "Expect: 100-continue"))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"hello")
    head, _ = await read_answer(reader)
    assert head.startswith(b"HTTP/1.1 201 ")
    writer.close()
    assert await origin.bytes_of(KEY) == b"hello"


@pytest.mark.parametrize("ending", ["closed", "reset"])
async def test_killed_upload_leaves_the_old_object(origin: RunningOrigin, ending: str) -> None:
    await put(origin, KEY, b"old")
    written, aborted = spy_on_writer(origin)
    _, writer = await asyncio.open_connection(origin.host, origin.port)
    writer.write(upload_head(len(FILM)) + FILM[: 2 * EXTENT_BYTES])
    await asyncio.wait_for(written.wait(), 5)
    if ending == "reset":
        writer.transport.abort()
    writer.close()
    await asyncio.wait_for(aborted.wait(), 5)
    assert await origin.bytes_of(KEY) == b"old"
    status, body, _ = await put(origin, KEY, FILM)
    assert (status, body["generation"]) == (200, 3)
    assert await origin.bytes_of(KEY) == FILM


def spy_on_writer(origin: RunningOrigin) -> tuple[asyncio.Event, asyncio.Event]:
    """Set once a writer of the store has bytes, and once it has been aborted."""
    written, aborted = asyncio.Event(), asyncio.Event()
    store: Any = origin.parts.store
    create = store.create

    class Watched:
        def __init__(self, writer: Any) -> None:
            self._writer = writer
            self.seal, self.commit = writer.seal, writer.commit

        async def write(self, data: bytes) -> None:
            await self._writer.write(data)
            written.set()

        async def abort(self) -> None:
            await self._writer.abort()
            aborted.set()

    async def watched(*arguments: Any) -> Any:
        return Watched(await create(*arguments))

    store.create = watched
    return written, aborted


async def test_overlapping_uploads_both_complete_and_the_last_commit_wins(
    origin: RunningOrigin,
) -> None:
    gate = asyncio.Event()
    written, _ = spy_on_writer(origin)

    async def held_back() -> AsyncIterator[bytes]:
        yield b"first " * 1000
        await gate.wait()
        yield b"began, last to end"

    slow = asyncio.create_task(put(origin, KEY, held_back()))
    await written.wait()
    status, fast, _ = await put(origin, KEY, FILM)
    assert (status, await origin.bytes_of(KEY)) == (201, FILM)
    gate.set()
    status, body, _ = await slow
    assert status == 200
    assert body["generation"] > fast["generation"], "followers see generations grow"
    assert await origin.bytes_of(KEY) == b"first " * 1000 + b"began, last to end"
    sequence = [change.generation for change in await origin.parts.catalog.changes_after(0, 10)]
    assert sequence == [fast["generation"], body["generation"]]


async def test_lost_update_is_refused_when_the_row_changes_under_the_upload(
    origin: RunningOrigin,
) -> None:
    _, first, _ = await put(origin, KEY, b"base")
    gate = asyncio.Event()
    written, _ = spy_on_writer(origin)

    async def held_back() -> AsyncIterator[bytes]:
        yield b"edit"
        await gate.wait()

    slow = asyncio.create_task(put(origin, KEY, held_back(), If_Match=first["etag"]))
    await written.wait()
    assert (await put(origin, KEY, b"newer"))[0] == 200
    gate.set()
    status, _, _ = await slow
    assert status == 412
    assert await origin.bytes_of(KEY) == b"newer"
