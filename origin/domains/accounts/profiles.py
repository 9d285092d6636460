"""The profiles of an account: who watches, up to which age of films, in which language.

What is asked is here; what it does to rows and devices is in `household`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import NotFoundError
from cdnkit.service.operations import Answer, operation, reply
from cdnkit.service.patterns import segment
from cdnkit.service.viewers import Viewer
from origin.domains.accounts import household, shapes
from origin.domains.accounts.answers import profile_answer
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import Profile
from origin.domains.accounts.refusals import (
    BadPinError,
    GrownUpNeededError,
    SessionEndedError,
    TooManyProfilesError,
)

EraseKept = Callable[[AsyncConnection, str], Awaitable[object]]
"""Erases what other parts keep of a profile, in the transaction that erases it."""


class Profiles:
    """What is asked with a session about its account's profiles."""

    def __init__(self, ground: Ground, erase_kept: EraseKept) -> None:
        self._ground = ground
        self._erase_kept = erase_kept

    def routes(self) -> Sequence[web.RouteDef]:
        """Four operations."""
        return [
            web.get("/v1/profiles", self.list),
            web.post("/v1/profiles", self.add),
            web.patch(f"/v1/profiles/{segment('id')}", self.change),
            web.delete(f"/v1/profiles/{segment('id')}", self.remove),
        ]

    @operation(tag="profiles")
    async def list(self, request: web.Request, viewer: Viewer) -> shapes.Profiles:
        """Who watches."""
        found = await household.profiles_of(self._ground, viewer)
        return shapes.Profiles(items=[profile_answer(profile) for profile in found])

    @operation(
        answers={201: Answer("Made.", shapes.ProfileAnswer)},
        problems=(GrownUpNeededError, TooManyProfilesError, BadPinError, SessionEndedError),
        tag="profiles",
    )
    async def add(
        self, request: web.Request, viewer: Viewer, body: shapes.ProfileBody
    ) -> web.Response:
        """One more."""
        profile = Profile(
            id=self._ground.make_id(),
            account=viewer.account,
            pin_hash=await household.hash_pin(self._ground, body.pin.get_secret_value()),
            created_at=self._ground.now(),
            **body.model_dump(exclude={"pin"}),
        )
        await household.add(self._ground, viewer, profile)
        return reply(profile_answer(profile), 201)

    @operation(
        answers={200: Answer("Changed.", shapes.ProfileAnswer)},
        problems=(NotFoundError, GrownUpNeededError, BadPinError, SessionEndedError),
        tag="profiles",
    )
    async def change(
        self,
        request: web.Request,
        path: shapes.ProfilePath,
        viewer: Viewer,
        body: shapes.ProfileChanges,
    ) -> web.Response:
        """Change what is given; an empty `pin` removes it."""
        changes: dict[str, Any] = body.model_dump(exclude={"pin"}, exclude_none=True)
        if body.pin is not None:
            pin = body.pin.get_secret_value()
            changes["pin_hash"] = await household.hash_pin(self._ground, pin)
        profile = await household.change(self._ground, viewer, path.id, changes)
        return reply(profile_answer(profile))

    @operation(
        answers={204: Answer("Erased.")},
        problems=(NotFoundError, GrownUpNeededError, SessionEndedError),
        tag="profiles",
    )
    async def remove(
        self, request: web.Request, path: shapes.ProfilePath, viewer: Viewer
    ) -> web.Response:
        """Erase it; devices that it is chosen on have to choose another."""
        await household.remove(self._ground, viewer, path.id, self._erase_kept)
        return web.Response(status=204)
