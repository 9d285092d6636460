"""Records as answers, and the tokens of a new session in body or cookie."""

from __future__ import annotations

from aiohttp import web

from cdnkit.service.operations import reply
from origin.domains.accounts.cookies import keep_cookie, require_same_site
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.issuing import Outcome
from origin.domains.accounts.records import Account, Profile, Session
from origin.domains.accounts.refusals import SessionEndedError
from origin.domains.accounts.rules import plain_device
from origin.domains.accounts.shapes import (
    AccountAnswer,
    DeviceAnswer,
    Keeping,
    Me,
    ProfileAnswer,
    SessionTokens,
)


def check_keeping(ground: Ground, request: web.Request, asked: Keeping) -> None:
    """Before anything is done for a session whose token goes to the cookie.

    Raises CrossSiteError.
    """
    if asked.cookie:
        require_same_site(request, ground.site_url)


def device_of(request: web.Request, asked: Keeping) -> str:
    """What a new session's device is called."""
    return plain_device(asked.device, request.headers.get("User-Agent", ""))


def session_answer(
    ground: Ground, outcome: Outcome, *, cookie: bool, status: int = 200
) -> web.Response:
    """The tokens, the refresh token where it was asked to be; what ended is refused from now on.

    Raises SessionEndedError when there are none.
    """
    ground.revoke(outcome.revoked)
    issued = outcome.issued
    if issued is None:
        raise SessionEndedError
    tokens = SessionTokens(
        access_token=issued.access_token,
        expires_in_seconds=int(ground.settings.access_seconds),
        account_id=issued.account.id,
        role=issued.account.role,
        profile_id=issued.profile,
        **({} if cookie else {"refresh_token": issued.refresh_token}),
    )
    answer = reply(tokens, status)
    if not cookie:
        return answer
    seconds = ground.settings.refresh_seconds
    keep_cookie(answer, issued.refresh_token, seconds, ground.site_url)
    return answer


def me_answer(account: Account) -> Me:
    """An account as its owner sees it."""
    return Me(
        id=account.id,
        email=account.email,
        role=account.role,
        language=account.language,
        created_at=account.created_at,
    )


def account_answer(account: Account) -> AccountAnswer:
    """An account as operators see it."""
    return AccountAnswer(**me_answer(account).model_dump(), locked=account.locked)


def profile_answer(profile: Profile) -> ProfileAnswer:
    """A profile."""
    return ProfileAnswer(
        id=profile.id,
        name=profile.name,
        age_max=profile.age_max,
        language=profile.language,
        avatar=profile.avatar,
        has_pin=bool(profile.pin_hash),
    )


def device_answer(session: Session, current: str) -> DeviceAnswer:
    """A signed-in device."""
    return DeviceAnswer(
        id=session.id,
        device=session.device,
        created_at=session.created_at,
        seen_at=session.seen_at,
        current=session.id == current,
    )
