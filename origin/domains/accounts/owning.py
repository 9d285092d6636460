"""What owners do to their accounts in rows: proving who they are, and changing things."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.service.viewers import Viewer
from origin.domains.accounts import (
    attempts,
    entering,
    joining,
    queries,
    rules,
)
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import Account, Revocation
from origin.domains.accounts.refusals import SessionEndedError


async def own_account(ground: Ground, viewer: Viewer) -> Account:
    """The account of a viewer. Raises SessionEndedError when it is gone."""
    async with ground.database.reading() as connection:
        return await own(connection, viewer.account)


async def prove(
    ground: Ground, viewer: Viewer, password: str, network: dict[str, rules.Bucket]
) -> None:
    """Ask for the present password once more.

    Raises WrongPasswordError, TooManyAttemptsError, SessionEndedError.
    """
    account = await own_account(ground, viewer)
    await entering.find_by_password(ground, account.address, password, network)


async def ask_to_move(ground: Ground, viewer: Viewer, email: str, address: str) -> None:
    """Mail a link to the new address. Raises TooManyAttemptsError, SessionEndedError."""
    account = await own_account(ground, viewer)
    await attempts.count_attempts(ground.database, ground.mails(address), ground.now())
    await joining.offer_move(ground, account, email, address)


async def change_password(ground: Ground, viewer: Viewer, password: str) -> None:
    """Change it, and sign all other devices out. Raises BadPasswordError, SessionEndedError."""
    account = await own_account(ground, viewer)
    rules.check_password(password, account.address)
    password_hash = await ground.passwords.hash(password)

    async def work(connection: AsyncConnection) -> Sequence[Revocation]:
        return await joining.set_password(
            ground, connection, account, password_hash, viewer.session
        )

    ground.revoke(await ground.database.transact(work))


async def change_language(ground: Ground, viewer: Viewer, language: str) -> None:
    """Change the language that mails are written in."""
    await ground.database.transact(
        lambda connection: queries.change_account(
            connection, viewer.account, {"language": language}
        )
    )


async def own(connection: AsyncConnection, id: str) -> Account:
    """An account that is there. Raises SessionEndedError."""
    account = await queries.find_account(connection, id)
    if account is None:
        raise SessionEndedError
    return account
