"""Sessions begin, go on and end in rows; a token from the past ends its family and is told of."""

from __future__ import annotations

import dataclasses

import pytest

from cdnkit.service.viewers import Role
from origin.domains.accounts import issuing, queries, session_queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.issuing import Outcome
from origin.domains.accounts.records import Account, Profile
from origin.domains.accounts.refusals import AccountLockedError
from origin.domains.accounts.rotation import parse_token
from tests.helpers.clock import FakeClock
from tests.helpers.people import mails

ANNA = Account("anna", "anna@a.org", "Anna@a.org", "hash", Role.VIEWER, "de", False, 1.0)


async def begin(ground: Ground, device: str = "tv") -> str:
    async with ground.database.begin() as connection:
        if await queries.find_account(connection, "anna") is None:
            await queries.add_account(connection, ANNA)
        outcome = await issuing.start_session(ground, connection, ANNA, device)
    ground.revoke(outcome.revoked)
    assert outcome.issued is not None
    return outcome.issued.refresh_token


async def go_on(ground: Ground, text: str) -> Outcome:
    token = parse_token(text)
    assert token is not None
    async with ground.database.begin() as connection:
        outcome = await issuing.go_on(ground, connection, token)
    ground.revoke(outcome.revoked)
    return outcome


async def next_of(ground: Ground, text: str) -> str:
    outcome = await go_on(ground, text)
    assert outcome.issued is not None
    assert ground.gate.read(outcome.issued.access_token, ground.now())
    return outcome.issued.refresh_token


async def test_reuse_ends_the_family_with_its_access_tokens(
    ground: Ground, clock: FakeClock
) -> None:
    first = await begin(ground)
    second = await next_of(ground, first)
    assert await next_of(ground, first) == second, "a lost answer is given again"
    outcome = await go_on(ground, second)
    assert outcome.issued is not None
    third, access = outcome.issued.refresh_token, outcome.issued.access_token
    clock.advance(ground.settings.refresh_grace_seconds)
    assert (await go_on(ground, second)).issued is None
    assert ground.gate.read(access, ground.now()) is None
    assert (await go_on(ground, third)).issued is None
    (told,) = await mails(ground.database, "account.session_stolen")
    assert told.payload == {"device": "tv"}


async def test_locked_account_begins_no_session_and_goes_on_with_none(ground: Ground) -> None:
    token = await begin(ground)
    async with ground.database.begin() as connection:
        await queries.change_account(connection, "anna", {"locked": True})
    assert (await go_on(ground, token)).issued is None
    locked = dataclasses.replace(ANNA, locked=True)
    with pytest.raises(AccountLockedError):
        await ground.database.transact(
            lambda connection: issuing.start_session(ground, connection, locked, "tv")
        )


async def test_one_device_too_many_signs_the_oldest_out(ground: Ground, clock: FakeClock) -> None:
    ground = dataclasses.replace(
        ground, settings=dataclasses.replace(ground.settings, sessions_max=2)
    )
    tokens = []
    for device in ("tv", "phone", "tablet"):
        tokens.append(await begin(ground, device))
        clock.advance(1)
    assert (await go_on(ground, tokens[0])).issued is None
    assert (await go_on(ground, tokens[1])).issued is not None
    told = await mails(ground.database, "account.new_device")
    assert [mail.payload["device"] for mail in told] == ["phone", "tablet"]


async def test_chosen_profile_stays_with_the_session(ground: Ground) -> None:
    token = await begin(ground)
    kid = Profile("kid", "anna", "Kim", age_max=6)
    async with ground.database.begin() as connection:
        await queries.add_profile(connection, kid)
        (session,) = await session_queries.list_sessions(connection, "anna", ground.now())
        access = await issuing.choose_profile(ground, connection, session.id, kid)
        assert await issuing.choose_profile(ground, connection, "other", kid) == ""
    viewer = ground.gate.read(access, ground.now())
    assert viewer is not None
    assert (viewer.profile, viewer.age_max) == ("kid", 6)
    outcome = await go_on(ground, token)
    assert outcome.issued is not None
    assert outcome.issued.profile == "kid"
    async with ground.database.begin() as connection:
        ground.revoke(await issuing.renew_all(ground, connection, "anna", "other"))
        assert ground.gate.read(access, ground.now())
        ground.revoke(await issuing.renew_all(ground, connection, "anna", "kid"))
    assert ground.gate.read(access, ground.now()) is None
    assert (await go_on(ground, outcome.issued.refresh_token)).issued is not None


async def test_all_but_one_are_signed_out(ground: Ground) -> None:
    await begin(ground)
    async with ground.database.begin() as connection:
        (session,) = await session_queries.list_sessions(connection, "anna", ground.now())
    await begin(ground, "phone")
    async with ground.database.begin() as connection:
        await issuing.end_all(ground, connection, "anna", session.id)
        assert await session_queries.list_sessions(connection, "anna", ground.now()) == [session]
