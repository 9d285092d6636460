"""Rows of accounts, profiles and links come back as they were written, and go together."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from cdnkit.service.viewers import Role
from origin.catalog import outbox
from origin.catalog.database import Database
from origin.catalog.outbox import Event
from origin.domains.accounts import queries
from origin.domains.accounts.records import Account, MailedToken, Profile, Purpose

ANNA = Account("anna", "anna@a.org", "Anna@a.org", "hash", Role.VIEWER, "de", False, 1.0)
MAILED = MailedToken("h1", Purpose.RESET, "anna", "anna@a.org", {"email": "x", "language": "fr"},
                     1.0, 10.0)  # fmt: skip


async def test_address_has_one_account(database: Database) -> None:
    async with database.begin() as connection:
        await queries.add_account(connection, ANNA)
        assert await queries.find_account(connection, "anna") == ANNA
        assert await queries.find_address(connection, "anna@a.org") == ANNA
        assert await queries.find_address(connection, "Anna@a.org") is None
        await queries.change_account(connection, "anna", {"role": Role.ADMIN.value})
        (found,) = await queries.page_accounts(connection, "", "", 10)
        assert found.role is Role.ADMIN
        assert await queries.page_accounts(connection, "", "anna", 10) == []
        assert await queries.page_accounts(connection, "ben@a.org", "", 10) == []
    other = Account("b", "anna@a.org", "x", "", Role.VIEWER, "", False, 1.0)
    with pytest.raises(IntegrityError):
        await database.transact(lambda connection: queries.add_account(connection, other))


async def test_profile_belongs_to_one_account(database: Database) -> None:
    kid = Profile("kid", "anna", "Kim", age_max=6, created_at=2.0)
    async with database.begin() as connection:
        await queries.add_profile(connection, kid)
        assert await queries.find_profile(connection, "anna", "kid") == kid
        assert await queries.find_profile(connection, "ben", "kid") is None
        await queries.change_profile(connection, "kid", {"name": "Kai"})
        (found,) = await queries.list_profiles(connection, "anna")
        assert found.name == "Kai"
        await queries.drop_profile(connection, "kid")
        assert await queries.list_profiles(connection, "anna") == []


async def test_link_is_used_once_and_in_time(database: Database) -> None:
    async with database.begin() as connection:
        await queries.add_mailed(connection, MAILED)
        assert await queries.use_mailed(connection, "h1", 10.0) is None
        assert await queries.use_mailed(connection, "h1", 9.9) == MAILED
        assert await queries.use_mailed(connection, "h1", 9.9) is None
        await queries.add_mailed(connection, MAILED)
        await queries.forget_mailed(connection, "anna", [Purpose.MOVE])
        await queries.sweep_mailed(connection, 9.9)
        assert await queries.use_mailed(connection, "h1", 9.9) is not None


async def test_contact_is_the_account_or_who_was_sent_the_link(database: Database) -> None:
    async with database.begin() as connection:
        await queries.add_mailed(connection, MAILED)
        assert await queries.find_contact(connection, "anna") == ("x", "fr")
        assert await queries.find_contact(connection, "h1") == ("x", "fr")
        await queries.add_account(connection, ANNA)
        assert await queries.find_contact(connection, "anna") == ("Anna@a.org", "de")
        assert await queries.find_contact(connection, "ben") is None


async def test_dropped_account_leaves_no_row(database: Database) -> None:
    async with database.begin() as connection:
        await queries.add_account(connection, ANNA)
        assert await queries.lock_account(connection, "anna")
        await queries.add_profile(connection, Profile("kid", "anna", "Kim"))
        await queries.add_mailed(connection, MAILED)
        await outbox.post(connection, Event("k", "account.reset", "anna"), 1.0)
        await queries.drop_account(connection, ANNA)
        assert not await queries.lock_account(connection, "anna")
        assert await queries.list_profiles(connection, "anna") == []
        assert await queries.find_contact(connection, "anna") is None
        assert await outbox.waiting(connection, 10) == []
