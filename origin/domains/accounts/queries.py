"""SQL on accounts, profiles and mailed tokens: records in, records out, portable.

Every function takes the connection of a transaction that its caller has begun.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.service.viewers import Role
from origin.catalog.tables import outbox
from origin.domains.accounts.records import Account, MailedToken, Profile, Purpose
from origin.domains.accounts.tables import accounts, mailed_tokens, profiles


async def add_account(connection: AsyncConnection, account: Account) -> None:
    """Insert. Raises IntegrityError when the address or the id is taken."""
    await connection.execute(sa.insert(accounts).values(**dataclasses.asdict(account)))


async def find_account(connection: AsyncConnection, id: str) -> Account | None:
    """By id."""
    return await _one_account(connection, accounts.c.id == id)


async def find_address(connection: AsyncConnection, address: str) -> Account | None:
    """By normalised address."""
    return await _one_account(connection, accounts.c.address == address)


async def page_accounts(
    connection: AsyncConnection, address: str, after: str, limit: int
) -> Sequence[Account]:
    """Accounts in the order of their ids, those of one address alone when it is given."""
    statement = sa.select(accounts).where(accounts.c.id > after).order_by(accounts.c.id)
    if address:
        statement = statement.where(accounts.c.address == address)
    return [_account(row) for row in await connection.execute(statement.limit(limit))]


async def change_account(connection: AsyncConnection, id: str, changes: Mapping[str, Any]) -> None:
    """Set columns. Raises IntegrityError when the address is taken."""
    if changes:
        await connection.execute(sa.update(accounts).where(accounts.c.id == id).values(**changes))


async def drop_account(connection: AsyncConnection, account: Account) -> None:
    """Delete the account with its profiles, the links on their way and the mails not yet sent."""
    await connection.execute(sa.delete(profiles).where(profiles.c.account == account.id))
    mailed = (mailed_tokens.c.account == account.id) | (mailed_tokens.c.address == account.address)
    await connection.execute(sa.delete(mailed_tokens).where(mailed))
    await connection.execute(sa.delete(outbox).where(outbox.c.account == account.id))
    await connection.execute(sa.delete(accounts).where(accounts.c.id == account.id))


async def add_profile(connection: AsyncConnection, profile: Profile) -> None:
    """Insert."""
    await connection.execute(sa.insert(profiles).values(**dataclasses.asdict(profile)))


async def list_profiles(connection: AsyncConnection, account: str) -> Sequence[Profile]:
    """The profiles of an account, oldest first."""
    statement = (
        sa.select(profiles)
        .where(profiles.c.account == account)
        .order_by(profiles.c.created_at, profiles.c.id)
    )
    return [Profile(**row._mapping) for row in await connection.execute(statement)]


async def find_profile(connection: AsyncConnection, account: str, id: str) -> Profile | None:
    """One profile, if it belongs to the account."""
    statement = sa.select(profiles).where(profiles.c.account == account, profiles.c.id == id)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else Profile(**row._mapping)


async def change_profile(connection: AsyncConnection, id: str, changes: Mapping[str, Any]) -> None:
    """Set columns."""
    if changes:
        await connection.execute(sa.update(profiles).where(profiles.c.id == id).values(**changes))


async def drop_profile(connection: AsyncConnection, id: str) -> None:
    """Delete."""
    await connection.execute(sa.delete(profiles).where(profiles.c.id == id))


async def lock_account(connection: AsyncConnection, id: str) -> bool:
    """Let nobody else change what belongs to an account until the commit; False: it is gone."""
    touch = sa.update(accounts).where(accounts.c.id == id).values(locked=accounts.c.locked)
    return bool((await connection.execute(touch)).rowcount)


async def add_mailed(connection: AsyncConnection, token: MailedToken) -> None:
    """Insert."""
    values = {name: getattr(token, name) for name in MailedToken.__dataclass_fields__}
    values |= {"purpose": token.purpose.value, "detail": dict(token.detail)}
    await connection.execute(sa.insert(mailed_tokens).values(**values))


async def use_mailed(connection: AsyncConnection, hash: str, now: float) -> MailedToken | None:
    """Take a token away, so that it works once; None when it is unknown or too old."""
    statement = (
        sa.delete(mailed_tokens)
        .where(mailed_tokens.c.hash == hash, mailed_tokens.c.expires_at > now)
        .returning(mailed_tokens)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    return MailedToken(**{**row._mapping, "purpose": Purpose(row.purpose)})


async def find_contact(connection: AsyncConnection, reader: str) -> tuple[str, str] | None:
    """Address and language of the account that an event is for, or of who was sent a link by it."""
    account = await find_account(connection, reader)
    if account is not None:
        return account.email, account.language
    mailed = (mailed_tokens.c.hash == reader) | (mailed_tokens.c.account == reader)
    newest = mailed_tokens.c.created_at.desc()
    statement = sa.select(mailed_tokens.c.detail).where(mailed).order_by(newest).limit(1)
    detail = (await connection.execute(statement)).scalar_one_or_none()
    return None if detail is None else (detail["email"], detail["language"])


async def forget_mailed(
    connection: AsyncConnection, account: str, purposes: Sequence[Purpose]
) -> None:
    """Delete an account's links of these purposes."""
    await connection.execute(
        sa.delete(mailed_tokens).where(
            mailed_tokens.c.account == account, mailed_tokens.c.purpose.in_(purposes)
        )
    )


async def sweep_mailed(connection: AsyncConnection, now: float) -> None:
    """Delete links that are too old."""
    await connection.execute(sa.delete(mailed_tokens).where(mailed_tokens.c.expires_at <= now))


async def _one_account(
    connection: AsyncConnection, clause: sa.ColumnElement[bool]
) -> Account | None:
    row = (await connection.execute(sa.select(accounts).where(clause))).one_or_none()
    return None if row is None else _account(row)


def _account(row: sa.Row[Any]) -> Account:
    return Account(**{**row._mapping, "role": Role(row.role)})
