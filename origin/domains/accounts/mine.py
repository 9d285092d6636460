"""One's own account: looking at it, changing it, taking everything along, and leaving.

What other parts of the service keep of an account they export and erase themselves (`leaving`); an
account and all that is kept of it go in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from cdnkit.service.operations import Answer, operation
from cdnkit.service.viewers import Viewer
from origin.domains.accounts import cookies, leaving, owning, rules, shapes
from origin.domains.accounts.answers import device_answer, me_answer, profile_answer
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.leaving import Keeper
from origin.domains.accounts.refusals import (
    BadAddressError,
    BadPasswordError,
    SessionEndedError,
    TooManyAttemptsError,
    WrongPasswordError,
)


class Mine:
    """What is asked with a session about its account."""

    def __init__(self, ground: Ground, keepers: Sequence[Keeper]) -> None:
        self._ground = ground
        self._keepers = keepers

    def routes(self) -> Sequence[web.RouteDef]:
        """Four operations."""
        return [
            web.get("/v1/accounts/me", self.look),
            web.patch("/v1/accounts/me", self.change),
            web.delete("/v1/accounts/me", self.leave),
            web.get("/v1/accounts/me/export", self.export),
        ]

    @operation(problems=(SessionEndedError,), tag="accounts")
    async def look(self, request: web.Request, viewer: Viewer) -> shapes.Me:
        """The account of who asks."""
        return me_answer(await owning.own_account(self._ground, viewer))

    @operation(
        problems=(
            BadAddressError,
            BadPasswordError,
            SessionEndedError,
            WrongPasswordError,
            TooManyAttemptsError,
        ),
        tag="accounts",
    )
    async def change(
        self, request: web.Request, viewer: Viewer, body: shapes.ChangingMe
    ) -> shapes.Me:
        """Change language, password, or by a link that is mailed there, the address.

        A new password signs out all other devices.
        """
        address = rules.normalise_address(body.email) if body.email is not None else ""
        if body.email is not None or body.password is not None:
            present = body.current_password.get_secret_value()
            await owning.prove(self._ground, viewer, present, self._ground.network(request))
        if body.password is not None:
            await owning.change_password(self._ground, viewer, body.password.get_secret_value())
        if body.email is not None:
            await owning.ask_to_move(self._ground, viewer, body.email.strip(), address)
        if body.language is not None:
            await owning.change_language(self._ground, viewer, body.language)
        return me_answer(await owning.own_account(self._ground, viewer))

    @operation(
        answers={204: Answer("Nothing is kept of the account.")},
        problems=(SessionEndedError, WrongPasswordError, TooManyAttemptsError),
        tag="accounts",
    )
    async def leave(
        self, request: web.Request, viewer: Viewer, body: shapes.Leaving
    ) -> web.Response:
        """Erase the account and everything that is kept of it."""
        password = body.password.get_secret_value()
        await owning.prove(self._ground, viewer, password, self._ground.network(request))
        await leaving.erase(self._ground, viewer.account, self._keepers)
        answer = web.Response(status=204)
        cookies.drop_cookie(answer)
        return answer

    @operation(problems=(SessionEndedError,), tag="accounts")
    async def export(self, request: web.Request, viewer: Viewer) -> shapes.Export:
        """Everything that is kept of the account."""
        kept = await leaving.collect(self._ground, viewer, self._keepers)
        return shapes.Export(
            account=me_answer(kept.account),
            profiles=[profile_answer(profile) for profile in kept.profiles],
            devices=[device_answer(session, viewer.session) for session in kept.sessions],
            more=dict(kept.more),
        )
