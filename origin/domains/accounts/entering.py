"""What signing in, going on and choosing a profile do: guesses counted, rows in one transaction.

A guess is counted before its password is looked at, so that many at once are all counted, and
forgiven when it was right. Nobody learns from a refusal whether the address has an account.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import NotFoundError
from cdnkit.service.viewers import Viewer
from origin.domains.accounts import attempts, issuing, queries, rotation
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.issuing import Outcome
from origin.domains.accounts.records import Account, Profile
from origin.domains.accounts.refusals import (
    SessionEndedError,
    WrongPasswordError,
    WrongPinError,
)
from origin.domains.accounts.rules import Bucket


async def sign_in(
    ground: Ground, address: str, password: str, network: dict[str, Bucket], device: str
) -> Outcome:
    """A session for who knows the password.

    Raises WrongPasswordError, TooManyAttemptsError, AccountLockedError.
    """
    account = await find_by_password(ground, address, password, network)
    new_hash = ""
    if ground.passwords.is_outdated(account.password_hash):
        new_hash = await ground.passwords.hash(password)

    async def work(connection: AsyncConnection) -> Outcome:
        await queries.lock_account(connection, account.id)
        present = await queries.find_account(connection, account.id)
        if present is None or present.password_hash != account.password_hash:
            raise WrongPasswordError  # changed while we looked
        if new_hash:
            await queries.change_account(connection, account.id, {"password_hash": new_hash})
        return await issuing.start_session(ground, connection, present, device)

    return await ground.database.transact(work)


async def find_by_password(
    ground: Ground, address: str, password: str, network: dict[str, Bucket] | None = None
) -> Account:
    """The account with this address and password. As long for an address that has none.

    Raises WrongPasswordError, TooManyAttemptsError.
    """
    guesses = ground.failures(address)
    await attempts.count_attempts(ground.database, {**guesses, **(network or {})}, ground.now())
    async with ground.database.reading() as connection:
        account = await queries.find_address(connection, address)
    kept = account.password_hash if account is not None else ""
    is_right = await ground.passwords.verify(kept, password)
    if account is None or not is_right:
        raise WrongPasswordError
    await _forgive(ground, guesses)
    return account


async def go_on(ground: Ground, text: str) -> Outcome:
    """The next tokens of a session. Raises SessionEndedError."""
    token = rotation.parse_token(text)
    if token is None:
        raise SessionEndedError
    return await ground.database.transact(
        lambda connection: issuing.go_on(ground, connection, token)
    )


async def choose_profile(ground: Ground, viewer: Viewer, profile_id: str, pin: str) -> str:
    """An access token with a profile of the viewer's account.

    Raises NotFoundError, WrongPinError, TooManyAttemptsError, SessionEndedError.
    """
    async with ground.database.reading() as connection:
        profile = await queries.find_profile(connection, viewer.account, profile_id)
    if profile is None:
        raise NotFoundError("There is no such profile.")
    await _check_pin(ground, profile, pin)

    async def work(connection: AsyncConnection) -> str:
        present = await queries.find_profile(connection, viewer.account, profile_id)
        if present is None or present.pin_hash != profile.pin_hash:
            raise NotFoundError("There is no such profile.")
        return await issuing.choose_profile(ground, connection, viewer.session, present)

    token = await ground.database.transact(work)
    if not token:
        raise SessionEndedError
    return token


async def _check_pin(ground: Ground, profile: Profile, pin: str) -> None:
    if not profile.pin_hash:
        return
    guesses = ground.failures(f"pin {profile.id}")
    await attempts.count_attempts(ground.database, guesses, ground.now())
    if not await ground.passwords.verify(profile.pin_hash, pin):
        raise WrongPinError
    await _forgive(ground, guesses)


async def _forgive(ground: Ground, guesses: dict[str, Bucket]) -> None:
    async def work(connection: AsyncConnection) -> None:
        for subject in guesses:
            await attempts.forgive(connection, subject)

    await ground.database.transact(work)
