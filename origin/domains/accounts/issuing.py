"""Starting sessions, and going on with them: rows of one transaction, tokens for the answer.

Decides nothing about who may: its callers have asked for a password, a link or a token before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from origin.domains.accounts import queries, session_queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.mailing import tell_account
from origin.domains.accounts.records import Account, Profile, Revocation, Session
from origin.domains.accounts.refusals import AccountLockedError
from origin.domains.accounts.rotation import (
    SECRET_BYTES,
    RefreshToken,
    Verdict,
    following_token,
    format_token,
    hash_secret,
    judge,
)


@dataclass(frozen=True, slots=True)
class Issued:
    """What a device holds from now on."""

    account: Account
    profile: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a transaction about a session: tokens, or none; and what is to be refused now."""

    issued: Issued | None
    revoked: Sequence[Revocation] = ()


async def start_session(
    ground: Ground, connection: AsyncConnection, account: Account, device: str
) -> Outcome:
    """Sign a device in. Raises AccountLockedError."""
    check_open(account)
    await queries.lock_account(connection, account.id)
    now = ground.now()
    others = await session_queries.list_sessions(connection, account.id, now)
    seed, secret = ground.make_secret(SECRET_BYTES), ground.make_secret(SECRET_BYTES)
    session = Session(
        id=ground.make_id(),
        account=account.id,
        device=device,
        created_at=now,
        seen_at=now,
        expires_at=now + ground.settings.refresh_seconds,
        seed=seed,
        token_hash=hash_secret(secret),
        rotated_at=now,
    )
    await session_queries.add_session(connection, session)
    if others and device not in {other.device for other in others}:
        kind = "account.new_device"
        await tell_account(ground, connection, account.id, kind, device=device)
    surplus = others[ground.settings.sessions_max - 1 :]
    revoked = await session_queries.end_sessions(connection, surplus, ground.tokens_end_at())
    refresh_token = format_token(session.id, 0, secret, seed)
    access_token = ground.gate.sign(account, session, None, now)
    return Outcome(Issued(account, "", access_token, refresh_token), revoked)


async def go_on(ground: Ground, connection: AsyncConnection, token: RefreshToken) -> Outcome:
    """The next tokens for a good one. A token from the past ends the session, and is told of."""
    now, grace_seconds = ground.now(), ground.settings.refresh_grace_seconds
    session = await session_queries.lock_session(connection, token.session)
    verdict = Verdict.UNKNOWN if session is None else judge(session, token, now, grace_seconds)
    if session is None or verdict is Verdict.UNKNOWN:
        return Outcome(None)
    account = await queries.find_account(connection, session.account)
    if account is None or account.locked:
        return Outcome(None)
    if verdict is Verdict.REUSED:
        return await _end_stolen(ground, connection, account, session)
    refresh_token, token_hash = following_token(session, token)
    if verdict is Verdict.GOOD:
        session = dataclasses.replace(
            session,
            token_hash=token_hash,
            counter=session.counter + 1,
            rotated_at=now,
            seen_at=now,
            expires_at=now + ground.settings.refresh_seconds,
        )
        await session_queries.save_session(connection, session)
    profile = await _profile_of(connection, session)
    access_token = ground.gate.sign(account, session, profile, now)
    return Outcome(Issued(account, session.profile, access_token, refresh_token))


async def choose_profile(
    ground: Ground, connection: AsyncConnection, session_id: str, profile: Profile
) -> str:
    """An access token for a session with this profile from now on; empty when it has ended."""
    session = await session_queries.lock_session(connection, session_id)
    account = await queries.find_account(connection, profile.account)
    if session is None or account is None or session.account != account.id:
        return ""
    session = dataclasses.replace(session, profile=profile.id)
    await session_queries.save_session(connection, session)
    return ground.gate.sign(account, session, profile, ground.now())


async def end_all(
    ground: Ground, connection: AsyncConnection, account: str, but: str = ""
) -> Sequence[Revocation]:
    """Sign out every device, or every other one."""
    await queries.lock_account(connection, account)
    found = await session_queries.list_sessions(connection, account, ground.now())
    ended = [session for session in found if session.id != but]
    return await session_queries.end_sessions(connection, ended, ground.tokens_end_at())


async def end_session(ground: Ground, account: str, session_id: str) -> bool:
    """Sign one device of an account out; False when it has no such device."""

    async def work(connection: AsyncConnection) -> Sequence[Revocation]:
        session = await session_queries.lock_session(connection, session_id)
        if session is None or session.account != account:
            return ()
        return await session_queries.end_sessions(connection, [session], ground.tokens_end_at())

    revoked = await ground.database.transact(work)
    ground.revoke(revoked)
    return bool(revoked)


async def renew_all(
    ground: Ground, connection: AsyncConnection, account: str, profile: str = ""
) -> Sequence[Revocation]:
    """Let devices, or those that a profile is chosen on, ask for new access tokens."""
    await queries.lock_account(connection, account)
    found = await session_queries.list_sessions(connection, account, ground.now())
    stale = [session for session in found if not profile or session.profile == profile]
    return await session_queries.renew_sessions(connection, stale, ground.tokens_end_at())


def check_open(account: Account) -> None:
    """Raises AccountLockedError."""
    if account.locked:
        raise AccountLockedError


async def _end_stolen(
    ground: Ground, connection: AsyncConnection, account: Account, session: Session
) -> Outcome:
    kind = "account.session_stolen"
    await tell_account(ground, connection, account.id, kind, device=session.device)
    ended = await session_queries.end_sessions(connection, [session], ground.tokens_end_at())
    return Outcome(None, ended)


async def _profile_of(connection: AsyncConnection, session: Session) -> Profile | None:
    if not session.profile:
        return None
    return await queries.find_profile(connection, session.account, session.profile)
