"""What registering, resetting and following a link do to the rows: one transaction each.

Whether an address has an account must not be told by how much is done here: each request for a
mail writes one token and one event, whoever is asked for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.service.viewers import Role
from origin.domains.accounts import attempts, issuing, mailing, queries, rules
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.issuing import Outcome
from origin.domains.accounts.mailing import Letter
from origin.domains.accounts.records import Account, MailedToken, Purpose, Revocation
from origin.domains.accounts.refusals import BadLinkError


async def invite(ground: Ground, draft: Account) -> None:
    """Mail the link that makes an account of `draft`, or tell its owner that there is one."""

    async def work(connection: AsyncConnection) -> None:
        known = await queries.find_address(connection, draft.address)
        await mailing.send_letter(ground, connection, _invitation(ground, draft, known))

    await ground.database.transact(work)


async def offer_reset(ground: Ground, email: str, address: str) -> None:
    """Mail the link to a new password, or tell the address that it has no account."""

    async def work(connection: AsyncConnection) -> None:
        account = await queries.find_address(connection, address)
        letter = _unknown_letter(ground, email, address)
        if account is not None:
            letter = reset_letter(account, ground.settings.reset_seconds)
        await mailing.send_letter(ground, connection, letter)

    await ground.database.transact(work)


async def offer_move(ground: Ground, account: Account, email: str, address: str) -> None:
    """Mail to another address the link that makes it the account's."""

    async def work(connection: AsyncConnection) -> None:
        known = await queries.find_address(connection, address)
        draft = dataclasses.replace(account, email=email, address=address)
        await mailing.send_letter(ground, connection, _move_letter(ground, draft, known))

    await ground.database.transact(work)


async def follow_link(ground: Ground, token: str, device: str) -> Outcome:
    """Make the account or change its address as the link says, and sign the device in.

    Raises BadLinkError, AccountLockedError.
    """

    async def work(connection: AsyncConnection) -> Outcome:
        found = await queries.use_mailed(connection, mailing.hash_token(token), ground.now())
        if found is None or found.purpose not in (Purpose.VERIFY, Purpose.MOVE):
            raise BadLinkError
        settle = _create if found.purpose is Purpose.VERIFY else _move
        account = await settle(ground, connection, found)
        return await issuing.start_session(ground, connection, account, device)

    try:
        return await ground.database.transact(work)
    except IntegrityError:
        # Somebody else has verified this address since the mail was sent.
        raise BadLinkError from None


async def choose_password(
    ground: Ground, token: str, password: str, password_hash: str, device: str
) -> Outcome:
    """Change the password as a link allows, sign all devices out and this one in.

    Raises BadLinkError, BadPasswordError, AccountLockedError.
    """

    async def work(connection: AsyncConnection) -> Outcome:
        found = await queries.use_mailed(connection, mailing.hash_token(token), ground.now())
        if found is None or found.purpose is not Purpose.RESET:
            raise BadLinkError
        account = await queries.find_account(connection, found.account)
        if account is None:
            raise BadLinkError
        rules.check_password(password, account.address)
        revoked = await set_password(ground, connection, account, password_hash)
        outcome = await issuing.start_session(ground, connection, account, device)
        return dataclasses.replace(outcome, revoked=[*revoked, *outcome.revoked])

    return await ground.database.transact(work)


async def set_password(
    ground: Ground,
    connection: AsyncConnection,
    account: Account,
    password_hash: str,
    but_session: str = "",
) -> Sequence[Revocation]:
    """Change the password; sign out every device, or every other one."""
    await queries.change_account(connection, account.id, {"password_hash": password_hash})
    await queries.forget_mailed(connection, account.id, (Purpose.RESET, Purpose.MOVE))
    for subject in ground.failures(account.address):
        await attempts.forgive(connection, subject)
    await mailing.tell_account(ground, connection, account.id, "account.password_changed")
    return await issuing.end_all(ground, connection, account.id, but_session)


def reset_letter(account: Account, good_seconds: float) -> Letter:
    """The mail that lets its reader choose a new password."""
    return Letter(
        kind="account.reset",
        purpose=Purpose.RESET,
        page="reset",
        account=account.id,
        email=account.email,
        address=account.address,
        language=account.language,
        good_seconds=good_seconds,
    )


async def _create(ground: Ground, connection: AsyncConnection, found: MailedToken) -> Account:
    account = Account(
        id=found.account,
        address=found.address,
        role=Role.VIEWER,
        locked=False,
        created_at=ground.now(),
        **found.detail,
    )
    await queries.add_account(connection, account)
    await mailing.tell_account(ground, connection, account.id, "account.welcome")
    return account


async def _move(ground: Ground, connection: AsyncConnection, found: MailedToken) -> Account:
    account = await queries.find_account(connection, found.account)
    if account is None:
        raise BadLinkError
    # To the old address, whose owner may know nothing of it.
    await mailing.send_letter(ground, connection, _farewell_letter(ground, account))
    changes = {"address": found.address, "email": found.detail["email"]}
    await queries.change_account(connection, account.id, changes)
    return dataclasses.replace(account, address=changes["address"], email=changes["email"])


def _invitation(ground: Ground, draft: Account, known: Account | None) -> Letter:
    letter = _letter(
        draft,
        "account.verify",
        Purpose.VERIFY,
        ground.settings.verify_seconds,
        {"password_hash": draft.password_hash},
    )
    return letter if known is None else _exists_letter(letter, known)


def _move_letter(ground: Ground, draft: Account, known: Account | None) -> Letter:
    seconds = ground.settings.verify_seconds
    letter = _letter(draft, "account.verify", Purpose.MOVE, seconds, {})
    letter = dataclasses.replace(letter, to_address=True)
    return letter if known is None else _exists_letter(letter, known)


def _letter(
    draft: Account, kind: str, purpose: Purpose, good_seconds: float, detail: Mapping[str, str]
) -> Letter:
    return Letter(
        kind=kind,
        purpose=purpose,
        page="verify",
        account=draft.id,
        email=draft.email,
        address=draft.address,
        language=draft.language,
        good_seconds=good_seconds,
        detail=detail,
    )


def _exists_letter(letter: Letter, known: Account) -> Letter:
    """To the owner instead, without a link and without what the stranger chose."""
    return dataclasses.replace(
        letter,
        detail={},
        kind="account.exists",
        purpose=Purpose.NOTHING,
        page="",
        account=known.id,
        email=known.email,
        language=known.language,
        to_address=False,
    )


def _farewell_letter(ground: Ground, account: Account) -> Letter:
    """To an address that is the account's no longer."""
    seconds = ground.settings.verify_seconds
    letter = _letter(account, "account.address_changed", Purpose.NOTHING, seconds, {})
    return dataclasses.replace(letter, page="", to_address=True)


def _unknown_letter(ground: Ground, email: str, address: str) -> Letter:
    return Letter(
        kind="account.unknown",
        purpose=Purpose.NOTHING,
        page="",
        account="",
        email=email,
        address=address,
        language="",
        good_seconds=ground.settings.reset_seconds,
        to_address=True,
    )
