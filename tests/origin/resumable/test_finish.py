"""From received to published, once, whatever happens in between."""

from __future__ import annotations

import base64
import hashlib

import pytest

from cdnkit.errors import DigestMismatchError, PreconditionFailedError, UnavailableError
from origin.ingest.session import UploadState
from origin.resumable.outcome import published_object
from origin.resumable.rules import PARTIAL, Wish
from tests.origin.resumable.intakes import KEY, OWNER, Body, Site

FILM = bytes(range(251)) * 17


def digest(algorithm: str, data: bytes) -> dict[str, str]:
    value = base64.b64encode(hashlib.new(algorithm.replace("-", ""), data).digest()).decode()
    return {"repr-digest": f"{algorithm}=:{value}:"}


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
async def test_the_announced_digest_decides(site: Site, algorithm: str) -> None:
    wrong = await site.create(len(FILM), fields=digest(algorithm, b"other"))
    ended = await site.append(wrong.id, 0, Body(FILM))
    assert ended.upload_state is UploadState.ABANDONED
    with pytest.raises(DigestMismatchError):
        published_object(ended)
    assert site.catalog.objects.get(KEY) is None
    assert not site.store.parts.extents
    right = await site.create(len(FILM), fields=digest(algorithm, FILM))
    ended = await site.append(right.id, 0, Body(FILM))
    found, is_new = published_object(ended)
    assert (found.sha256, is_new) == (hashlib.sha256(FILM).hexdigest(), True)


async def test_a_condition_that_fails_leaves_the_old_object_and_no_bytes(site: Site) -> None:
    first = await site.create(3)
    await site.append(first.id, 0, Body(b"old"))
    second = await site.create(len(FILM), fields={"if-none-match": "*"})
    ended = await site.append(second.id, 0, Body(FILM))
    with pytest.raises(PreconditionFailedError):
        published_object(ended)
    assert await site.bytes_of() == b"old"
    assert site.store.used_bytes == 3
    assert await site.catalog.list_garbage() == []


async def test_replacing_is_told_and_has_the_next_generation(site: Site) -> None:
    for number, content in enumerate((b"old", FILM), 1):
        row = await site.create(len(content))
        found, is_new = published_object(await site.append(row.id, 0, Body(content)))
        assert (found.generation, is_new) == (number, number == 1)
    assert await site.bytes_of() == FILM


async def test_parts_from_anywhere_are_copied_and_their_bytes_go(site: Site) -> None:
    ids = []
    for start, stop in ((0, 1), (1, 2500), (2500, len(FILM))):
        part = await site.intake.create(Wish(OWNER, PARTIAL, length_bytes=stop - start))
        await site.append(part.id, 0, Body(FILM[start:stop]))
        ids.append(part.id)
    final = await site.intake.join(Wish(OWNER, key=KEY, fields=digest("sha-256", FILM)), tuple(ids))
    assert published_object(final)[0].sha256 == hashlib.sha256(FILM).hexdigest()
    assert await site.bytes_of() == FILM
    assert not site.store.parts.extents
    assert site.store.used_bytes == len(FILM)


async def test_a_crash_after_placing_is_finished_later(site: Site) -> None:
    row = await site.create(len(FILM))
    publish = site.catalog.publish
    calls = 0

    async def fail_once(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise UnavailableError("the connection broke before the commit")
        return await publish(*arguments)  # type: ignore[arg-type]

    site.catalog.publish = fail_once  # type: ignore[method-assign,assignment]
    with pytest.raises(UnavailableError):
        await site.append(row.id, 0, Body(FILM))
    ended = await site.append(row.id, len(FILM), Body())
    assert published_object(ended)[0].generation == row.generation
    assert await site.bytes_of() == FILM
    assert await site.catalog.list_garbage() == []
