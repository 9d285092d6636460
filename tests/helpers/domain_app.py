"""One domain of the film service on a free port, with viewers who say who they are.

A request is signed in by the field `X-Viewer: ACCOUNT` or `ACCOUNT/PROFILE`; `sessions` ends a
session while a stream goes on. Programs need no token on loopback, as an origin without tokens has
it; `people` says who else asks, with which scopes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession, web

from cdnkit.errors import UnauthorizedError
from cdnkit.service.app import build_app
from cdnkit.service.auth import BearerAuth, Identify
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from cdnkit.service.run import serve
from cdnkit.service.viewers import AGE_ANY, Viewer
from origin.domains.app import Domain, FilmService


@dataclass(slots=True)
class Sessions:
    """Whose sessions have ended, and the language of everybody."""

    ended: set[str] = field(default_factory=set)
    language: str = ""
    age_max: int = AGE_ANY

    def find(self, request: web.Request) -> Viewer:
        """Who asks."""
        account, _, profile = request.headers.get("X-Viewer", "").partition("/")
        if not account or account in self.ended:
            raise UnauthorizedError("nobody is signed in")
        return Viewer(
            account,
            f"session of {account}",
            profile=profile,
            age_max=self.age_max,
            language=self.language,
        )


@asynccontextmanager
async def running_domain(
    domain: Domain | Sequence[web.RouteDef],
    sessions: Sessions | None = None,
    people: Identify | None = None,
) -> AsyncIterator[ClientSession]:
    """A client of the domain, whose work goes on meanwhile; or of some routes alone."""
    telemetry = Telemetry("origin", "film-service")
    auth = BearerAuth.open()
    if people is not None:
        auth.recognise(people)
    app = build_app(
        tier="origin",
        name="origin-1",
        telemetry=telemetry,
        health=Health(),
        find_viewer=(sessions or Sessions()).find,
        authorize_scope=auth.authorize,
        routes=domain if isinstance(domain, Sequence) else (),
    )
    if not isinstance(domain, Sequence):
        FilmService([domain]).mount(app)
    async with (
        serve(app, "127.0.0.1", 0, grace_seconds=1) as listening,
        ClientSession(listening.url) as client,
    ):
        yield client
