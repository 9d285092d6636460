"""The upload resource over real connections, in both protocols."""

from __future__ import annotations

import base64
import hashlib
import os
import random
from typing import Any

import google_crc32c
import pytest

from config.topology import AccessToken, Topology
from tests.origin.conftest import EXTENT_BYTES, RunningOrigin, StartOrigin

FILM = os.urandom(3 * EXTENT_BYTES + 17)
KEY = "films/a.mp4"
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def meta(**values: str) -> str:
    return ",".join(f"{name} {b64(value.encode())}" for name, value in values.items())


def sha256_field(data: bytes) -> str:
    return f"sha-256=:{b64(hashlib.sha256(data).digest())}:"


async def call(
    origin: RunningOrigin, method: str, url: str, data: Any = b"", **fields: Any
) -> tuple[int, Any, bytes]:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    async with origin.client.request(
        method, url, data=data or None, headers=headers, skip_auto_headers=["Content-Type"]
    ) as got:
        return got.status, got.headers, await got.read()


async def create(origin: RunningOrigin, length: int | None, **fields: Any) -> str:
    size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    given = {"Upload-Metadata": meta(key=KEY), **size, **fields}
    status, headers, body = await call(origin, "POST", "/v1/uploads", **TUS, **given)
    assert status == 201, body
    assert headers["Tus-Resumable"] == "1.0.0"
    return str(headers["Location"])


async def patch(
    origin: RunningOrigin, url: str, offset: int, data: bytes, **fields: Any
) -> tuple[int, Any, bytes]:
    return await call(origin, "PATCH", url, data, **BYTES, Upload_Offset=str(offset), **fields)


async def offset_of(origin: RunningOrigin, url: str) -> int:
    status, headers, _ = await call(origin, "HEAD", url, **TUS)
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    return int(headers["Upload-Offset"])


async def test_options_tells_both_protocols(origin: RunningOrigin) -> None:
    for url in ("/v1/uploads", f"/v1/content/{KEY}"):
        status, headers, _ = await call(origin, "OPTIONS", url)
        assert status == 204
        assert headers["Tus-Version"] == "1.0.0"
        assert "concatenation" in headers["Tus-Extension"].split(",")
        assert headers["Tus-Checksum-Algorithm"] == "sha1,sha256,crc32c"
        assert "min-size=0" in headers["Upload-Limit"]
        assert headers["Cinedge-Extent-Bytes"] == str(EXTENT_BYTES)


async def test_an_upload_in_pieces_becomes_the_object(origin: RunningOrigin) -> None:
    url = await create(origin, len(FILM), Upload_Metadata=meta(key=KEY, filetype="video/mp4"))
    for at in range(0, len(FILM), 50_000):
        assert await offset_of(origin, url) == at
        status, headers, _ = await patch(origin, url, at, FILM[at : at + 50_000])
        assert status == 204
        assert "Upload-Expires" in headers or at + 50_000 >= len(FILM)
    assert headers["Repr-Digest"] == sha256_field(FILM)
    assert headers["Content-Location"] == f"/v1/content/{KEY}"
    assert await origin.bytes_of(KEY) == FILM
    row = origin.parts.catalog.objects.get(KEY)
    assert row is not None
    assert (row.content_type, row.generation) == ("video/mp4", 1)
    status, _, _ = await patch(origin, url, len(FILM), b"")
    assert status == 204, "finishing again"
    assert (await patch(origin, url, 150_000, FILM[150_000:]))[0] == 409
    assert await offset_of(origin, url) == len(FILM)
    assert [c.generation for c in await origin.parts.catalog.changes_after(0, 9)] == [1]


async def test_an_upload_goes_on_after_restarts(start_origin: StartOrigin) -> None:
    async with start_origin() as origin:
        url = (await create(origin, len(FILM))).partition("/v1")[2]
        assert (await patch(origin, "/v1" + url, 0, FILM[:70_000]))[0] == 204
    async with start_origin() as origin:
        assert await offset_of(origin, "/v1" + url) == 70_000
        assert (await patch(origin, "/v1" + url, 70_000, FILM[70_000:100_000]))[0] == 204
    async with start_origin() as origin:
        status, headers, _ = await patch(origin, "/v1" + url, 100_000, FILM[100_000:])
        assert (status, headers["Repr-Digest"]) == (204, sha256_field(FILM))
        assert await origin.bytes_of(KEY) == FILM


async def test_parts_side_by_side_land_in_their_extents(origin: RunningOrigin) -> None:
    urls = []
    for start in range(0, len(FILM), EXTENT_BYTES):
        data = FILM[start : start + EXTENT_BYTES]
        hints = meta(key=KEY, batch="b1", start=str(start), total=str(len(FILM)))
        fields = {"Upload-Concat": "partial", "Upload-Metadata": hints}
        url = await create(origin, len(data), **fields)
        assert (await patch(origin, url, 0, data))[0] == 204
        urls.append(url)
    created = spy_on_create(origin)
    final = {"Upload-Concat": "final;" + " ".join(urls), "Upload-Metadata": meta(key=KEY)}
    locations = set()
    for _ in range(2):
        status, headers, body = await call(origin, "POST", "/v1/uploads", **TUS, **final)
        assert status == 201, body
        assert headers["Repr-Digest"] == sha256_field(FILM)
        locations.add(headers["Location"])
    assert len(locations) == 1, "joining again is the same upload"
    assert await origin.bytes_of(KEY) == FILM
    assert not created, "no byte is written twice"
    row = origin.parts.catalog.objects.get(KEY)
    assert row is not None
    assert row.generation == 1
    (location,) = locations
    assert (await patch(origin, location, 0, b"x"))[0] == 403
    status, headers, _ = await call(origin, "HEAD", location, **TUS)
    assert headers["Upload-Concat"].startswith("final;/v1/uploads/")


def spy_on_create(origin: RunningOrigin) -> list[Any]:
    store: Any = origin.parts.store
    create, calls = store.create, []

    async def watched(*arguments: Any) -> Any:
        calls.append(arguments)
        return await create(*arguments)

    store.create = watched
    return calls


async def test_parts_that_could_be_anywhere_are_joined_too(origin: RunningOrigin) -> None:
    urls = []
    for start, stop in ((0, 100), (100, 70_000), (70_000, 70_000), (70_000, len(FILM))):
        url = await create(origin, stop - start, Upload_Concat="partial", Upload_Metadata="")
        if stop > start:
            assert (await patch(origin, url, 0, FILM[start:stop]))[0] == 204
        urls.append(url)
    final = {"Upload-Concat": "final;" + " ".join(urls), "Upload-Metadata": meta(filename="a.mp4")}
    status, _headers, body = await call(origin, "POST", "/v1/uploads", **TUS, **final)
    assert status == 201, body
    assert await origin.bytes_of("a.mp4") == FILM
    for url in urls:
        assert (await call(origin, "HEAD", url, **TUS))[0] == 200


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "crc32c"])
async def test_a_bad_chunk_is_dropped(origin: RunningOrigin, algorithm: str) -> None:
    def checksum(data: bytes) -> str:
        if algorithm == "crc32c":
            return f"crc32c {b64(google_crc32c.value(data).to_bytes(4, 'big'))}"
        return f"{algorithm} {b64(hashlib.new(algorithm, data).digest())}"

    url = await create(origin, len(FILM))
    good = FILM[:80_000]
    assert (await patch(origin, url, 0, good, Upload_Checksum=checksum(good)))[0] == 204
    bad = b"x" * 100_000
    status, headers, _ = await patch(origin, url, 80_000, bad, Upload_Checksum=checksum(FILM))
    assert (status, headers["Tus-Resumable"]) == (460, "1.0.0")
    assert await offset_of(origin, url) == 80_000
    status, headers, _ = await patch(origin, url, 80_000, FILM[80_000:])
    assert (status, headers["Repr-Digest"]) == (204, sha256_field(FILM))
    assert await origin.bytes_of(KEY) == FILM


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Upload-Length": "1"}, 400),
        ({"Tus-Resumable": "0.2.2", "Upload-Length": "1"}, 412),
        ({"Upload-Metadata": "key YQ=="}, 412),
        ({**TUS, "Upload-Metadata": "key YQ=="}, 400),
        ({**TUS, "Upload-Length": "1"}, 400),
        ({**TUS, "Upload-Length": "+1", "Upload-Metadata": "key YQ=="}, 400),
        ({**TUS, "Upload-Length": "1", "Upload-Defer-Length": "1"}, 400),
        ({**TUS, "Upload-Length": "1", "Upload-Metadata": "key ???"}, 400),
        ({**TUS, "Upload-Length": "1", "Upload-Metadata": "key Li4v"}, 400),
        ({**TUS, "Upload-Length": "1", "Upload-Metadata": "key YQ==,key YQ=="}, 400),
        ({**TUS, "Upload-Length": str(1 << 50), "Upload-Metadata": "key YQ=="}, 413),
        (
            {
                **TUS,
                "Upload-Concat": "final;/v1/uploads/nothing-here-1",
                "Upload-Metadata": "key YQ==",
            },
            404,
        ),
        ({**TUS, "Upload-Concat": "both"}, 400),
    ],
)
async def test_a_creation_that_makes_no_sense_is_refused(
    origin: RunningOrigin, fields: dict[str, str], status: int
) -> None:
    answered, headers, body = await call(origin, "POST", "/v1/uploads", **fields)
    assert answered == status, body
    assert headers["Content-Type"] == "application/problem+json"
    if status == 412:
        assert headers["Tus-Version"] == "1.0.0"


async def test_a_patch_that_makes_no_sense_changes_nothing(origin: RunningOrigin) -> None:
    url = await create(origin, 100)
    assert (await patch(origin, url, 0, b"x" * 10))[0] == 204
    refused = [
        (409, {**BYTES, "Upload-Offset": "9"}),
        (409, {**BYTES, "Upload-Offset": "11"}),
        (400, {**BYTES, "Upload-Offset": "1_0"}),
        (400, BYTES),
        (415, {**TUS, "Upload-Offset": "10", "Content-Type": "text/plain"}),
        (412, {**BYTES, "Upload-Offset": "10", "Tus-Resumable": "2"}),
        (400, {**BYTES, "Upload-Offset": "10", "Upload-Checksum": "md5 YQ=="}),
        (400, {**BYTES, "Upload-Offset": "10", "Upload-Length": "101"}),
    ]
    for status, fields in refused:
        answered, _headers, body = await call(origin, "PATCH", url, b"y" * 5, **fields)
        assert answered == status, (fields, body)
        assert await offset_of(origin, url) == 10
    assert (await patch(origin, url, 10, b"y" * 91))[0] == 413
    assert await offset_of(origin, url) == 10


async def test_cancelled_and_unknown_uploads_are_told_apart(origin: RunningOrigin) -> None:
    url = await create(origin, 100)
    await patch(origin, url, 0, b"x" * 10)
    assert (await call(origin, "DELETE", url, **TUS))[0] == 204
    assert (await call(origin, "HEAD", url, **TUS))[0] == 410
    assert (await patch(origin, url, 10, b"x"))[0] == 410
    assert (await patch(origin, "/v1/uploads/no-such-upload", 0, b"x"))[0] == 404
    assert (await call(origin, "HEAD", "/v1/uploads/.", **TUS))[0] == 404


async def test_length_may_be_told_later(origin: RunningOrigin) -> None:
    url = await create(origin, None)
    assert (await patch(origin, url, 0, FILM[:1000]))[0] == 204
    _, headers, _ = await call(origin, "HEAD", url, **TUS)
    assert headers["Upload-Defer-Length"] == "1"
    size = str(len(FILM))
    assert (await patch(origin, url, 1000, FILM[1000:], Upload_Length=size))[0] == 204
    assert await origin.bytes_of(KEY) == FILM


@pytest.mark.parametrize("length", [0, 1, EXTENT_BYTES, 2 * EXTENT_BYTES])
async def test_creation_takes_bytes_along(origin: RunningOrigin, length: int) -> None:
    fields = {**BYTES, "Upload-Length": str(length), "Upload-Metadata": meta(key=KEY)}
    status, headers, body = await call(origin, "POST", "/v1/uploads", FILM[:length], **fields)
    assert status == 201, body
    assert headers["Upload-Offset"] == str(length)
    assert headers["Repr-Digest"] == sha256_field(FILM[:length])
    assert await origin.bytes_of(KEY) == FILM[:length]


async def test_methods_may_be_overridden(origin: RunningOrigin) -> None:
    url = await create(origin, 10)

    async def post(method: str, data: Any = b"", **fields: Any) -> tuple[int, Any, bytes]:
        return await call(origin, "POST", url, data, **fields, X_HTTP_Method_Override=method)

    assert (await post("PATCH", b"12345", **BYTES, Upload_Offset="0"))[0] == 204
    assert (await post("HEAD", **TUS))[1]["Upload-Offset"] == "5"
    assert (await post("BREW", **TUS))[0] == 405
    assert (await post("DELETE", **TUS))[0] == 204
    assert (await call(origin, "HEAD", url, **TUS))[0] == 410


async def test_whole_file_digest_ends_a_wrong_upload(origin: RunningOrigin) -> None:
    url = await create(origin, 10, Repr_Digest=sha256_field(b"other"))
    for _ in range(2):
        status, headers, _ = await patch(origin, url, 0, b"0123456789")
        if status == 409:
            status, headers, _ = await patch(origin, url, 10, b"")
        assert (status, headers["Upload-Complete"]) == (400, "?1")
    assert (await call(origin, "HEAD", url, **TUS))[0] == 410
    assert origin.parts.catalog.objects.get(KEY) is None


async def test_conditions_are_those_of_the_creation(origin: RunningOrigin) -> None:
    url = await create(origin, 3, If_None_Match="*")
    async with origin.client.put(f"/v1/content/{KEY}", data=b"first") as answer:
        assert answer.status == 201
    assert (await patch(origin, url, 0, b"abc"))[0] == 412
    assert await origin.bytes_of(KEY) == b"first"


# The IETF draft.


async def test_a_put_may_be_resumed(origin: RunningOrigin) -> None:
    status, headers, body = await call(
        origin,
        "PUT",
        f"/v1/content/{KEY}",
        FILM[:1000],
        Upload_Complete="?0",
        Content_Type="video/mp4",
    )
    assert status == 201, body
    assert headers["Upload-Complete"] == "?0"
    url = headers["Location"]
    kind = {"Content-Type": "application/partial-upload"}
    status, headers, _ = await call(origin, "HEAD", url)
    assert (headers["Upload-Offset"], headers["Upload-Complete"]) == ("1000", "?0")
    assert "max-age=" in headers["Upload-Limit"]
    status, headers, body = await call(
        origin, "PATCH", url, b"x", **kind, Upload_Offset="7", Upload_Complete="?0"
    )
    assert (status, headers["Upload-Offset"]) == (409, "1000")
    assert b"mismatching-upload-offset" in body
    assert b'"expected-offset": 1000' in body
    status, headers, _ = await call(
        origin, "PATCH", url, FILM[1000:5000], **kind, Upload_Offset="1000", Upload_Complete="?0"
    )
    assert (status, headers["Upload-Complete"]) == (204, "?0")
    status, headers, body = await call(
        origin,
        "PATCH",
        url,
        FILM[5000:],
        **kind,
        Upload_Offset="5000",
        Upload_Complete="?1",
        Repr_Digest=sha256_field(FILM),
    )
    assert (status, headers["Upload-Complete"]) == (201, "?1")
    assert headers["Location"] == f"/v1/content/{KEY}"
    assert b'"sha256"' in body
    assert await origin.bytes_of(KEY) == FILM
    status, headers, _ = await call(
        origin, "PATCH", url, **kind, Upload_Offset=str(len(FILM)), Upload_Complete="?1"
    )
    assert (status, headers["Upload-Complete"]) == (201, "?1"), "finishing again"


async def test_a_put_in_one_piece_is_answered_as_ever(origin: RunningOrigin) -> None:
    status, headers, _ = await call(
        origin, "PUT", f"/v1/content/{KEY}", FILM, Upload_Complete="?1", Content_Type="video/mp4"
    )
    assert (status, headers["Upload-Complete"]) == (201, "?1")
    assert await origin.bytes_of(KEY) == FILM


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"Upload-Complete": "1"}, b"bad-request"),
        ({"Upload-Complete": "?0", "Upload-Length": "x"}, b"bad-request"),
        ({"Upload-Complete": "?1", "Upload-Length": "9"}, b"inconsistent-upload-length"),
        ({"Upload-Complete": "?0", "Upload-Length": "2"}, b"inconsistent-upload-length"),
    ],
)
async def test_a_draft_creation_that_makes_no_sense_is_refused(
    origin: RunningOrigin, fields: dict[str, str], problem: bytes
) -> None:
    status, _, body = await call(origin, "PUT", f"/v1/content/{KEY}", b"xyz", **fields)
    assert status == 400
    assert problem in body


async def test_uploads_belong_to_their_token(start_origin: StartOrigin) -> None:
    tokens = tuple(
        AccessToken(name=name, scopes=("upload",), secret=f"secret-of-{name}") for name in "ab"
    )
    async with start_origin(Topology(access_tokens=tokens), open_uploads=False) as origin:
        a, b = ({"Authorization": f"Bearer secret-of-{name}"} for name in "ab")
        url = await create(origin, 10, **a)
        assert (await call(origin, "HEAD", url, **TUS))[0] == 401
        assert (await call(origin, "HEAD", url, **TUS, **b))[0] == 404
        assert (await call(origin, "DELETE", url, **TUS, **b))[0] == 404
        assert (await call(origin, "HEAD", url, **TUS, **a))[0] == 200
        _, _, listed = await call(origin, "GET", "/v1/uploads", **a)
        assert url.rpartition("/")[2].encode() in listed
        _, _, listed = await call(origin, "GET", "/v1/uploads", **b)
        assert b'"items": []' in listed


FUZZ_NAMES = [
    "Tus-Resumable",
    "Upload-Length",
    "Upload-Defer-Length",
    "Upload-Offset",
    "Upload-Metadata",
    "Upload-Concat",
    "Upload-Checksum",
    "Upload-Complete",
    "Content-Type",
    "Content-Digest",
    "Repr-Digest",
    "If-Match",
    "X-HTTP-Method-Override",
]
FUZZ_VALUES = [
    "",
    "0",
    "1",
    "-1",
    "3",
    "9999999999",
    "99999999999999999999",
    "?0",
    "?1",
    "1.0.0",
    "0.2",
    "*",
    "partial",
    "final;",
    "key YQ==",
    "key YQ==,start MA==,batch Yg==,total Mw==",
    "final;/v1/uploads/abcdefgh",
    "text/plain",
    "application/offset+octet-stream",
    "application/partial-upload",
    "sha1 AAAA",
    "sha-256=:YQ==:",
    "PATCH",
    "DELETE",
    "HEAD",
    "TRACE",
    "é",
    "a,b;c=d",
]


@pytest.mark.parametrize("seed", range(4))
async def test_no_head_makes_the_origin_fail(origin: RunningOrigin, seed: int) -> None:
    chance = random.Random(seed)
    url = await create(origin, 3)
    paths = ["/v1/uploads", url, f"/v1/content/{KEY}", "/v1/uploads/%2e%2e", "/v1/uploads/a/b"]
    for _ in range(150):
        names = chance.sample(FUZZ_NAMES, chance.randrange(len(FUZZ_NAMES)))
        fields = {name: chance.choice(FUZZ_VALUES) for name in names}
        if chance.random() < 0.6:
            fields["Tus-Resumable"] = "1.0.0"
        method = chance.choice(["POST", "PATCH", "HEAD", "DELETE", "PUT", "OPTIONS", "GET"])
        data = chance.randbytes(chance.choice([0, 0, 1, 3, 5]))
        status, headers, body = await call(origin, method, chance.choice(paths), data, **fields)
        assert status < 500, (method, fields, body)
        if status >= 400 and method != "HEAD":
            assert headers["Content-Type"] == "application/problem+json", (method, fields)
