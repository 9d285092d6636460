"""Digests that run, lag behind and catch up are those of the bytes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import DigestMismatchError
from origin.resumable.fingerprint import Fingerprint, sha256_of

FILM = bytes(range(256)) * 3


@given(st.lists(st.tuples(st.integers(0, 767), st.integers(0, 200)), max_size=12))
def test_whatever_passed_by_it_catches_up(passed: list[tuple[int, int]]) -> None:
    fingerprint = Fingerprint(["sha-512", "md5"])
    for start, size in passed:
        fingerprint.update(start, FILM[start : start + size])

    async def read(at: int) -> AsyncIterator[bytes]:
        for start in range(at, len(FILM), 100):
            yield FILM[start : start + 100]

    asyncio.run(fingerprint.catch_up(read))
    assert fingerprint.digests() == {
        "sha-256": hashlib.sha256(FILM).digest(),
        "sha-512": hashlib.sha512(FILM).digest(),
    }
    assert fingerprint.position == len(FILM)


def test_a_copy_goes_on_by_itself() -> None:
    fingerprint = Fingerprint()
    fingerprint.update(0, b"good")
    before = fingerprint.copy()
    fingerprint.update(4, b"bad")
    assert (before.position, sha256_of(before)) == (4, hashlib.sha256(b"good").digest())
    assert sha256_of(Fingerprint()) == hashlib.sha256().digest()


def test_what_was_announced_is_required_if_it_can_be_computed() -> None:
    fingerprint = Fingerprint()
    fingerprint.update(0, b"film")
    fingerprint.require([{"sha-256": hashlib.sha256(b"film").digest(), "md5": b"whatever"}])
    with pytest.raises(DigestMismatchError):
        fingerprint.require([{"sha-256": bytes(32)}])
    assert fingerprint.covers({"sha-256", "md5"})
    assert not fingerprint.covers({"sha-512"})
