"""Guesses are counted before they are looked at, forgiven when right, and tell nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import pytest

from cdnkit.service.viewers import Role, Viewer
from origin.domains.accounts import entering, queries
from origin.domains.accounts.app import make_passwords
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import Account, Profile
from origin.domains.accounts.refusals import (
    SessionEndedError,
    TooManyAttemptsError,
    WrongPasswordError,
    WrongPinError,
)
from tests.helpers.clock import FakeClock

PASSWORD = "correct horse"


async def anna(ground: Ground) -> Account:
    kept = await ground.passwords.hash(PASSWORD)
    made = Account("anna", "anna@a.org", "Anna@a.org", kept, Role.VIEWER, "", False, 1.0)
    async with ground.database.begin() as connection:
        await queries.add_account(connection, made)
    return made


@pytest.mark.parametrize("address", ["anna@a.org", "nobody@a.org"])
async def test_guesses_lock_any_address_for_a_while(
    ground: Ground, clock: FakeClock, address: str
) -> None:
    await anna(ground)
    guesses = (
        entering.find_by_password(ground, address, "wrong")
        for _ in range(ground.settings.failures_max + 3)
    )
    done = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(each, WrongPasswordError) for each in done) == 10
    assert sum(isinstance(each, TooManyAttemptsError) for each in done) == 3
    with pytest.raises(TooManyAttemptsError):
        await entering.find_by_password(ground, address, PASSWORD)
    clock.advance(ground.settings.failure_seconds)
    with pytest.raises(WrongPasswordError):
        await entering.find_by_password(ground, address, "wrong")


async def test_right_password_forgives_the_guesses(ground: Ground) -> None:
    await anna(ground)
    for _ in range(3):
        for _ in range(ground.settings.failures_max - 1):
            with pytest.raises(WrongPasswordError):
                await entering.find_by_password(ground, "anna@a.org", "wrong")
        await entering.find_by_password(ground, "anna@a.org", PASSWORD)


async def test_password_is_hashed_anew_when_costs_have_changed(ground: Ground) -> None:
    account = await anna(ground)
    dearer = make_passwords(dataclasses.replace(ground.settings, hash_passes=2))
    ground = dataclasses.replace(ground, passwords=dearer)
    outcome = await entering.sign_in(ground, "anna@a.org", PASSWORD, {}, "tv")
    assert outcome.issued is not None
    async with ground.database.reading() as connection:
        present = await queries.find_account(connection, "anna")
    assert present is not None
    assert present.password_hash != account.password_hash
    assert not ground.passwords.is_outdated(present.password_hash)


async def test_pin_is_asked_for_and_guesses_at_it_are_counted(ground: Ground) -> None:
    await anna(ground)
    outcome = await entering.sign_in(ground, "anna@a.org", PASSWORD, {}, "tv")
    assert outcome.issued is not None
    viewer = ground.gate.read(outcome.issued.access_token, ground.now())
    assert viewer is not None
    grown_up = Profile("p", "anna", "Anna", pin_hash=await ground.passwords.hash("1234"))
    async with ground.database.begin() as connection:
        await queries.add_profile(connection, grown_up)
    for _ in range(ground.settings.failures_max - 1):
        with pytest.raises(WrongPinError):
            await entering.choose_profile(ground, viewer, "p", "")
    assert await entering.choose_profile(ground, viewer, "p", "1234")
    gone = Viewer("anna", "other")
    with pytest.raises(SessionEndedError):
        await entering.choose_profile(ground, gone, "p", "1234")


async def test_text_that_is_no_token_goes_nowhere(ground: Ground) -> None:
    for text in ("", "x", "a.0." + "0" * 48 + "." + "0" * 32):
        try:
            outcome = await entering.go_on(ground, text)
        except SessionEndedError:
            continue
        assert outcome.issued is None


async def test_time_does_not_tell_whose_address_has_an_account(ground: Ground) -> None:
    """Pairs side by side, in either order: neither kind of address is the slower one as a rule."""
    settings = dataclasses.replace(ground.settings, hash_memory_bytes=4 << 20, failures_max=1000)
    ground = dataclasses.replace(ground, settings=settings, passwords=make_passwords(settings))
    await anna(ground)

    async def seconds_of(address: str) -> float:
        started = time.perf_counter()
        with pytest.raises(WrongPasswordError):
            await entering.find_by_password(ground, address, "wrong")
        return time.perf_counter() - started

    slower = 0
    for pair in range(60):
        addresses = ["anna@a.org", "nobody@a.org"][:: 1 if pair % 2 else -1]
        taken = {address: await seconds_of(address) for address in addresses}
        slower += taken["anna@a.org"] > taken["nobody@a.org"]
    # Of 60 fair throws, fewer than 12 or more than 48 heads come once in 500,000 times; without
    # the hash that nobody has it is 60.
    assert 12 <= slower <= 48
