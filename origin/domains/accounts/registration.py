"""Registering, and following the links that are mailed: for a new account, address or password.

Answers say that a mail was sent, whether or not the address has an account; the mail says the rest
to whoever may read it. What is written is the business of `joining`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from cdnkit.service.operations import Answer, operation, reply
from cdnkit.service.viewers import Role
from origin.domains.accounts import joining, rules, shapes
from origin.domains.accounts.answers import check_keeping, device_of, session_answer
from origin.domains.accounts.attempts import count_attempts
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import Account
from origin.domains.accounts.refusals import (
    AccountLockedError,
    BadAddressError,
    BadLinkError,
    BadPasswordError,
    CrossSiteError,
    TooManyAttemptsError,
)

_SENT: Final = {202: Answer("A mail is on its way.", shapes.MailSent)}


class Registration:
    """What needs no session."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def routes(self) -> Sequence[web.RouteDef]:
        """Four operations."""
        return [
            web.post("/v1/accounts", self.register),
            web.post("/v1/accounts/verify", self.verify),
            web.post("/v1/accounts/reset", self.reset),
            web.post("/v1/accounts/reset/confirm", self.confirm),
        ]

    @operation(
        answers=_SENT,
        problems=(BadAddressError, BadPasswordError, TooManyAttemptsError),
        tag="accounts",
    )
    async def register(self, request: web.Request, body: shapes.Registering) -> web.Response:
        """Ask for an account; the link in the mail makes it.

        The answer is the same for an address that has one.
        """
        address = rules.normalise_address(body.email)
        password = body.password.get_secret_value()
        rules.check_password(password, address)
        await self._count(request, address)
        draft = Account(
            id=self._ground.make_id(),
            address=address,
            email=body.email.strip(),
            password_hash=await self._ground.passwords.hash(password),
            role=Role.VIEWER,
            language=body.language,
            locked=False,
            created_at=0.0,
        )
        await joining.invite(self._ground, draft)
        return reply(shapes.MailSent(sent=True), 202)

    @operation(
        answers={200: Answer("Signed in.", shapes.SessionTokens)},
        problems=(BadLinkError, AccountLockedError, CrossSiteError, TooManyAttemptsError),
        tag="accounts",
    )
    async def verify(self, request: web.Request, body: shapes.Following) -> web.Response:
        """Follow the link for a new account or address; the device is signed in."""
        check_keeping(self._ground, request, body)
        await self._count(request)
        token, device = body.token.get_secret_value(), device_of(request, body)
        outcome = await joining.follow_link(self._ground, token, device)
        return session_answer(self._ground, outcome, cookie=body.cookie)

    @operation(answers=_SENT, problems=(BadAddressError, TooManyAttemptsError), tag="accounts")
    async def reset(self, request: web.Request, body: shapes.Resetting) -> web.Response:
        """Ask for a link to a new password.

        The answer is the same for an address that has no account.
        """
        address = rules.normalise_address(body.email)
        await self._count(request, address)
        await joining.offer_reset(self._ground, body.email.strip(), address)
        return reply(shapes.MailSent(sent=True), 202)

    @operation(
        answers={200: Answer("Signed in; all other devices are signed out.", shapes.SessionTokens)},
        problems=(
            BadLinkError,
            BadPasswordError,
            AccountLockedError,
            CrossSiteError,
            TooManyAttemptsError,
        ),
        tag="accounts",
    )
    async def confirm(self, request: web.Request, body: shapes.Confirming) -> web.Response:
        """Choose the new password with the token of the link."""
        check_keeping(self._ground, request, body)
        await self._count(request)
        password, token = body.password.get_secret_value(), body.token.get_secret_value()
        rules.check_password(password, "")
        password_hash = await self._ground.passwords.hash(password)
        outcome = await joining.choose_password(
            self._ground, token, password, password_hash, device_of(request, body)
        )
        return session_answer(self._ground, outcome, cookie=body.cookie)

    async def _count(self, request: web.Request, address: str = "") -> None:
        mails = self._ground.mails(address) if address else {}
        buckets = {**self._ground.network(request), **mails}
        await count_attempts(self._ground.database, buckets, self._ground.now())
