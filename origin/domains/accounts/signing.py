"""Signing in, going on with a session, and choosing who watches; what it does is in `entering`."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from cdnkit.errors import NotFoundError
from cdnkit.service.operations import Answer, operation
from cdnkit.service.viewers import Viewer
from origin.domains.accounts import cookies, entering, rules, shapes
from origin.domains.accounts.answers import check_keeping, device_of, session_answer
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.refusals import (
    AccountLockedError,
    BadAddressError,
    CrossSiteError,
    SessionEndedError,
    TooManyAttemptsError,
    WrongPasswordError,
    WrongPinError,
)


class Signing:
    """From a password to an access token with a profile."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def routes(self) -> Sequence[web.RouteDef]:
        """Three operations."""
        return [
            web.post("/v1/sessions", self.sign_in),
            web.post("/v1/sessions/refresh", self.refresh),
            web.post("/v1/sessions/profile", self.choose),
        ]

    @operation(
        answers={201: Answer("Signed in.", shapes.SessionTokens)},
        problems=(
            BadAddressError,
            WrongPasswordError,
            AccountLockedError,
            CrossSiteError,
            TooManyAttemptsError,
        ),
        tag="sessions",
    )
    async def sign_in(self, request: web.Request, body: shapes.SigningIn) -> web.Response:
        """Sign a device in by address and password."""
        check_keeping(self._ground, request, body)
        outcome = await entering.sign_in(
            self._ground,
            rules.normalise_address(body.email),
            body.password.get_secret_value(),
            self._ground.network(request),
            device_of(request, body),
        )
        return session_answer(self._ground, outcome, cookie=body.cookie, status=201)

    @operation(
        answers={200: Answer("Signed in as before.", shapes.SessionTokens)},
        problems=(SessionEndedError, CrossSiteError),
        tag="sessions",
    )
    async def refresh(self, request: web.Request, body: shapes.Refreshing) -> web.Response:
        """Go on with a session by its newest refresh token, which a new one replaces.

        A token that was replaced a while ago ends the session: two hold it, and one has stolen it.
        """
        text = body.refresh_token.get_secret_value()
        if body.cookie:
            cookies.require_same_site(request, self._ground.site_url)
            text = cookies.read_cookie(request)
        outcome = await entering.go_on(self._ground, text)
        return session_answer(self._ground, outcome, cookie=body.cookie)

    @operation(
        problems=(NotFoundError, WrongPinError, SessionEndedError, TooManyAttemptsError),
        tag="sessions",
    )
    async def choose(
        self, request: web.Request, viewer: Viewer, body: shapes.Choosing
    ) -> shapes.ProfileTokens:
        """Choose who watches on this device from now on."""
        pin = body.pin.get_secret_value()
        token = await entering.choose_profile(self._ground, viewer, body.profile_id, pin)
        seconds = int(self._ground.settings.access_seconds)
        return shapes.ProfileTokens(access_token=token, expires_in_seconds=seconds)
