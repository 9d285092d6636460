"""What operators do with accounts: finding them, giving roles, locking, making the first admin.

Works on the database alone; other origins hear of it as they hear of each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.service.viewers import Role
from origin.domains.accounts import issuing, joining, mailing, queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import Account, Revocation
from origin.domains.accounts.rules import check_password, normalise_address


async def has_account(ground: Ground, email: str) -> bool:
    """Whether an address has an account. Raises BadAddressError."""
    async with ground.database.reading() as connection:
        return await queries.find_address(connection, normalise_address(email)) is not None


async def find_accounts(ground: Ground, email: str, after: str, limit: int) -> Sequence[Account]:
    """Accounts in the order of their ids, or the one with an address. Raises BadAddressError."""
    address = normalise_address(email) if email else ""
    async with ground.database.reading() as connection:
        return await queries.page_accounts(connection, address, after, limit)


async def give_role(ground: Ground, email: str, role: Role) -> None:
    """Change the role of the account of an address, on all its devices."""

    async with ground.database.reading() as connection:
        account = await queries.find_address(connection, normalise_address(email))
    assert account is not None, "asked for before"
    await change_account(ground, account.id, {"role": role})


async def change_account(ground: Ground, id: str, changes: Mapping[str, Any]) -> Account | None:
    """Change `role` or `locked`, on all devices of the account; None when there is none."""

    async def work(connection: AsyncConnection) -> tuple[Account | None, Sequence[Revocation]]:
        await queries.lock_account(connection, id)
        before = await queries.find_account(connection, id)
        if before is None:
            return None, ()
        await queries.change_account(connection, id, changes)
        after = dataclasses.replace(before, **changes)
        if after.locked:
            return after, await issuing.end_all(ground, connection, id)
        if after.role is not before.role:
            return after, await issuing.renew_all(ground, connection, id)
        return after, ()

    account, revoked = await ground.database.transact(work)
    ground.revoke(revoked)
    return account


async def add_account(ground: Ground, email: str, role: Role, password: str) -> str:
    """Make an account; without a password, the link by which somebody chooses one, else nothing.

    Raises BadAddressError, BadPasswordError, and IntegrityError when the address has one.
    """
    address = normalise_address(email)
    password_hash = ""
    if password:
        check_password(password, address)
        password_hash = await ground.passwords.hash(password)
    account = Account(
        id=ground.make_id(),
        address=address,
        email=email.strip(),
        password_hash=password_hash,
        role=role,
        language="",
        locked=False,
        created_at=ground.now(),
    )

    async def work(connection: AsyncConnection) -> str:
        await queries.add_account(connection, account)
        if password:
            return ""
        letter = joining.reset_letter(account, ground.settings.verify_seconds)
        link, _ = await mailing.write_link(ground, connection, letter)
        return link

    return await ground.database.transact(work)
