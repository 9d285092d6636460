"""What happens to the profiles of an account, one change at a time, and who may make it.

A change of what a profile may watch reaches the devices it is chosen on: their access tokens are
refused from then on, and the next ones say the new age.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import NotFoundError
from cdnkit.service.viewers import Viewer
from origin.domains.accounts import issuing, queries, rules
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import Profile, Revocation
from origin.domains.accounts.refusals import SessionEndedError, TooManyProfilesError


async def profiles_of(ground: Ground, viewer: Viewer) -> Sequence[Profile]:
    """All profiles of a viewer's account, oldest first."""
    async with ground.database.reading() as connection:
        return await queries.list_profiles(connection, viewer.account)


async def add(ground: Ground, viewer: Viewer, profile: Profile) -> None:
    """One more. Raises GrownUpNeededError, TooManyProfilesError, SessionEndedError."""

    async def work(connection: AsyncConnection) -> None:
        found = await _managed(connection, viewer)
        if len(found) >= ground.settings.profiles_max:
            raise TooManyProfilesError(f"An account has at most {len(found)} profiles.")
        await queries.add_profile(connection, profile)

    await ground.database.transact(work)


async def change(ground: Ground, viewer: Viewer, id: str, changes: Mapping[str, Any]) -> Profile:
    """Change columns. Raises NotFoundError, GrownUpNeededError, SessionEndedError."""

    async def work(connection: AsyncConnection) -> tuple[Profile, Sequence[Revocation]]:
        before = await _one(connection, viewer, id)
        await queries.change_profile(connection, id, changes)
        after = await queries.find_profile(connection, viewer.account, id) or before
        if after.age_max == before.age_max:
            return after, ()
        return after, await issuing.renew_all(ground, connection, viewer.account, id)

    profile, revoked = await ground.database.transact(work)
    ground.revoke(revoked)
    return profile


async def remove(
    ground: Ground,
    viewer: Viewer,
    id: str,
    erase_kept: Callable[[AsyncConnection, str], Awaitable[object]],
) -> None:
    """Erase one, and with `erase_kept` what other parts keep of it.

    Raises NotFoundError, GrownUpNeededError, SessionEndedError.
    """

    async def work(connection: AsyncConnection) -> Sequence[Revocation]:
        profile = await _one(connection, viewer, id)
        await erase_kept(connection, profile.id)
        await queries.drop_profile(connection, profile.id)
        return await issuing.renew_all(ground, connection, viewer.account, profile.id)

    ground.revoke(await ground.database.transact(work))


async def hash_pin(ground: Ground, pin: str) -> str:
    """What is kept of a PIN; nothing of none. Raises BadPinError."""
    if not pin:
        return ""
    rules.check_pin(pin)
    return await ground.passwords.hash(pin)


async def _managed(connection: AsyncConnection, viewer: Viewer) -> Sequence[Profile]:
    """The profiles, which nobody else changes until the commit, for who may change them."""
    if not await queries.lock_account(connection, viewer.account):
        raise SessionEndedError
    found = await queries.list_profiles(connection, viewer.account)
    rules.check_manager(viewer, found)
    return found


async def _one(connection: AsyncConnection, viewer: Viewer, id: str) -> Profile:
    found = {profile.id: profile for profile in await _managed(connection, viewer)}
    if id not in found:
        raise NotFoundError("There is no such profile.")
    return found[id]
