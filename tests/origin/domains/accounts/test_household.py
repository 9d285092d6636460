"""Profiles change one at a time, for those who may, and no more than an account has."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import NotFoundError
from cdnkit.service.viewers import Role, Viewer
from origin.domains.accounts import household, operating, queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import Profile
from origin.domains.accounts.refusals import (
    BadPinError,
    SessionEndedError,
    TooManyProfilesError,
)


async def anna(ground: Ground) -> Viewer:
    await operating.add_account(ground, "anna@a.org", Role.VIEWER, "correct horse")
    async with ground.database.reading() as connection:
        found = await queries.find_address(connection, "anna@a.org")
    assert found is not None
    return Viewer(found.id, "sid")


async def nothing_kept(_connection: AsyncConnection, profile: str) -> None:
    pytest.fail(f"{profile} is nobody")


async def test_profiles_made_at_once_are_no_more_than_may_be(ground: Ground) -> None:
    settings = dataclasses.replace(ground.settings, profiles_max=2)
    ground, viewer = dataclasses.replace(ground, settings=settings), await anna(ground)
    made = (
        household.add(ground, viewer, Profile(f"p{number}", viewer.account, "Kim"))
        for number in range(4)
    )
    done = await asyncio.gather(*made, return_exceptions=True)
    assert sum(isinstance(each, TooManyProfilesError) for each in done) == 2


async def test_profile_of_nobody_cannot_be_changed(ground: Ground) -> None:
    viewer = await anna(ground)
    with pytest.raises(NotFoundError):
        await household.change(ground, viewer, "p", {"name": "Kai"})
    with pytest.raises(NotFoundError):
        await household.remove(ground, viewer, "p", nothing_kept)
    with pytest.raises(SessionEndedError):
        await household.add(ground, Viewer("nobody", "sid"), Profile("p", "nobody", "Kim"))


async def test_pin_is_hashed_or_refused_or_none(ground: Ground) -> None:
    assert await household.hash_pin(ground, "") == ""
    assert (await household.hash_pin(ground, "0000")).startswith("$argon2id$")
    for pin in ("123", "123456789", "12a4", "１２３４"):
        with pytest.raises(BadPinError):
            await household.hash_pin(ground, pin)
