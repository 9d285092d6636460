"""The devices that are signed in to an account: which there are, and signing them out.

A device that is signed out is refused here with its next request, by other origins within moments.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from cdnkit.errors import NotFoundError
from cdnkit.service.operations import Answer, operation
from cdnkit.service.patterns import segment
from cdnkit.service.viewers import Viewer
from origin.domains.accounts import cookies, issuing, session_queries, shapes
from origin.domains.accounts.answers import device_answer
from origin.domains.accounts.ground import Ground


class Devices:
    """What is asked with a session about sessions."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def routes(self) -> Sequence[web.RouteDef]:
        """Four operations."""
        return [
            web.get("/v1/sessions", self.list),
            web.delete("/v1/sessions", self.end_all),
            web.delete("/v1/sessions/current", self.end_current),
            web.delete(f"/v1/sessions/{segment('id')}", self.end_one),
        ]

    @operation(tag="sessions")
    async def list(self, request: web.Request, viewer: Viewer) -> shapes.Devices:
        """All devices that are signed in to the account."""
        async with self._ground.database.reading() as connection:
            found = await session_queries.list_sessions(
                connection, viewer.account, self._ground.now()
            )
        items = [device_answer(session, viewer.session) for session in found]
        return shapes.Devices(items=items)

    @operation(answers={204: Answer("All devices are signed out.")}, tag="sessions")
    async def end_all(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Sign out everywhere."""
        revoked = await self._ground.database.transact(
            lambda connection: issuing.end_all(self._ground, connection, viewer.account)
        )
        self._ground.revoke(revoked)
        return _gone()

    @operation(answers={204: Answer("This device is signed out.")}, tag="sessions")
    async def end_current(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Sign out."""
        await issuing.end_session(self._ground, viewer.account, viewer.session)
        return _gone()

    @operation(
        answers={204: Answer("That device is signed out.")},
        problems=(NotFoundError,),
        tag="sessions",
    )
    async def end_one(
        self, request: web.Request, path: shapes.DevicePath, viewer: Viewer
    ) -> web.Response:
        """Sign out another device of the account."""
        if not await issuing.end_session(self._ground, viewer.account, path.id):
            raise NotFoundError("There is no such device.")
        return web.Response(status=204)


def _gone() -> web.Response:
    answer = web.Response(status=204)
    cookies.drop_cookie(answer)
    return answer
