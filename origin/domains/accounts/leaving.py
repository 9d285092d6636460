"""Everything that is kept of an account: collected at one moment, erased in one transaction.

What other parts of the service keep they export and erase themselves, as keepers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.service.viewers import Viewer
from origin.domains.accounts import attempts, issuing, queries, session_queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.owning import own
from origin.domains.accounts.records import Account, Profile, Revocation, Session


@dataclass(frozen=True, slots=True)
class Keeper:
    """A part that keeps something, by the name it has in an export.

    All work within the transaction of the connection; `export` gives what JSON can hold. Without
    `erase_profile`, nothing is kept of profiles but of accounts.
    """

    name: str
    export: Callable[[AsyncConnection, str], Awaitable[Any]]
    erase: Callable[[AsyncConnection, str], Awaitable[object]]
    erase_profile: Callable[[AsyncConnection, str], Awaitable[object]] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is kept of an account; `more` is what other parts keep, by their name."""

    account: Account
    profiles: Sequence[Profile]
    sessions: Sequence[Session]
    more: Mapping[str, Any]


async def collect(ground: Ground, viewer: Viewer, keepers: Sequence[Keeper]) -> Kept:
    """All that is kept at one moment. Raises SessionEndedError."""
    async with ground.database.reading() as connection:
        account = await own(connection, viewer.account)
        return Kept(
            account,
            await queries.list_profiles(connection, account.id),
            await session_queries.list_sessions(connection, account.id, ground.now()),
            {each.name: await each.export(connection, account.id) for each in keepers},
        )


async def erase(ground: Ground, account_id: str, keepers: Sequence[Keeper]) -> None:
    """Erase an account with all that is kept of it. Raises SessionEndedError when it is gone."""

    async def work(connection: AsyncConnection) -> Sequence[Revocation]:
        await queries.lock_account(connection, account_id)
        account = await own(connection, account_id)
        for keeper in keepers:
            await keeper.erase(connection, account.id)
        for subject in (*ground.failures(account.address), *ground.mails(account.address)):
            await attempts.forgive(connection, subject)
        await queries.drop_account(connection, account)
        return await issuing.end_all(ground, connection, account.id)

    ground.revoke(await ground.database.transact(work))


async def erase_profile(
    keepers: Sequence[Keeper], connection: AsyncConnection, profile: str
) -> None:
    """Erase what other parts keep of a profile."""
    for keeper in keepers:
        if keeper.erase_profile is not None:
            await keeper.erase_profile(connection, profile)
