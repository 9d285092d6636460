"""Hashing is argon2id, made again when costs change, bounded, and blind to who exists."""

from __future__ import annotations

import asyncio

from cdnkit.errors import UnavailableError
from origin.domains.accounts.passwords import Passwords


def cheap(passes: int = 1, at_once: int = 2, waiting_max: int = 10) -> Passwords:
    return Passwords(
        memory_bytes=64 << 10, passes=passes, lanes=1, at_once=at_once, waiting_max=waiting_max
    )


async def test_password_verifies_and_another_does_not() -> None:
    passwords = cheap()
    kept = await passwords.hash("correct")
    assert kept.startswith("$argon2id$")
    assert kept != await passwords.hash("correct"), "each has its salt"
    assert await passwords.verify(kept, "correct")
    assert not await passwords.verify(kept, "Correct")
    assert not await passwords.verify("rubbish", "correct")


async def test_nobodys_password_fits_nothing() -> None:
    assert not await cheap().verify("", "")


async def test_hash_of_other_costs_verifies_and_is_outdated() -> None:
    kept = await cheap(passes=2).hash("correct")
    dearer = cheap(passes=3)
    assert await dearer.verify(kept, "correct")
    assert dearer.is_outdated(kept)
    assert not dearer.is_outdated(await dearer.hash("correct"))


async def test_more_than_may_wait_are_sent_away() -> None:
    passwords = cheap(at_once=1, waiting_max=2)
    done = await asyncio.gather(*(passwords.hash("x") for _ in range(4)), return_exceptions=True)
    assert [isinstance(each, UnavailableError) for each in done] == [False, False, True, True]
    assert await passwords.hash("x"), "there is room again"
