"""The accounts of one origin, put together: handlers, gate, and what keeps it up with the rows."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial

from aiohttp import web

from cdnkit.errors import UnauthorizedError
from cdnkit.service.viewers import SCOPES, Viewer
from config.service import Accounts as Settings
from origin.catalog.database import Database
from origin.domains.accounts import following, leaving
from origin.domains.accounts.devices import Devices
from origin.domains.accounts.gate import Gate
from origin.domains.accounts.ground import Ground, name_of
from origin.domains.accounts.leaving import Keeper
from origin.domains.accounts.managing import Management
from origin.domains.accounts.mine import Mine
from origin.domains.accounts.passwords import WAITING_MAX, Passwords
from origin.domains.accounts.profiles import Profiles
from origin.domains.accounts.registration import Registration
from origin.domains.accounts.signing import Signing


class Accounts:
    """A domain of the film service, and who answers who somebody is."""

    def __init__(
        self, ground: Ground, keepers: Sequence[Keeper], report: Callable[[str], None]
    ) -> None:
        self._ground = ground
        self._keepers = keepers
        self._report = report

    def routes(self) -> Sequence[web.RouteDef]:
        """All operations; those with a fixed path before those with a variable one."""
        parts = (
            Mine(self._ground, self._keepers),
            Registration(self._ground),
            Management(self._ground),
            Signing(self._ground),
            Devices(self._ground),
            Profiles(self._ground, partial(leaving.erase_profile, self._keepers)),
        )
        return [route for part in parts for route in part.routes()]

    async def run(self) -> None:
        """Follow what other origins do."""
        await following.follow(self._ground, self._report)

    def find_viewer(self, request: web.Request) -> Viewer:
        """Who holds the access token of a request. Raises UnauthorizedError."""
        viewer = self._bearer(request)
        if viewer is None:
            raise UnauthorizedError("Sign in first.")
        return viewer

    def identify(self, request: web.Request) -> tuple[str, frozenset[str]] | None:
        """Name and scopes of a signed-in person; None for any other token."""
        viewer = self._bearer(request)
        return None if viewer is None else (name_of(viewer), SCOPES[viewer.role])

    def _bearer(self, request: web.Request) -> Viewer | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return self._ground.gate.read(token.strip(), self._ground.now())


def make_passwords(settings: Settings) -> Passwords:
    """Hashing as the settings say."""
    return Passwords(
        memory_bytes=settings.hash_memory_bytes,
        passes=settings.hash_passes,
        lanes=settings.hash_lanes,
        at_once=settings.hashes_at_once,
        waiting_max=WAITING_MAX,
    )


def make_ground(
    settings: Settings,
    database: Database,
    site_url: str,
    client_of: Callable[[web.Request], str],
    now: Callable[[], float],
) -> Ground:
    """What everything stands on; nobody is known to its gate yet."""
    return Ground(
        settings=settings,
        database=database,
        gate=Gate(settings.access_seconds),
        passwords=make_passwords(settings),
        site_url=site_url,
        now=now,
        make_id=lambda: secrets.token_urlsafe(12),
        make_secret=secrets.token_hex,
        client_of=client_of,
    )


async def open_accounts(
    settings: Settings,
    database: Database,
    *,
    site_url: str,
    client_of: Callable[[web.Request], str],
    keepers: Sequence[Keeper],
    report: Callable[[str], None],
    now: Callable[[], float],
) -> Accounts:
    """Open with keys and revocations in memory. Raises UnavailableError."""
    ground = make_ground(settings, database, site_url, client_of, now)
    await following.catch_up(ground)
    return Accounts(ground, keepers, report)
