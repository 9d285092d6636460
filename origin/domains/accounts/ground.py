"""What the handlers of accounts stand on: settings, rows, keys in memory, time and chance.

Everything that a test wants to hold still comes in here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from cdnkit.service.viewers import Viewer
from config.service import Accounts
from origin.catalog.database import Database
from origin.domains.accounts.gate import Gate
from origin.domains.accounts.passwords import Passwords
from origin.domains.accounts.records import Revocation
from origin.domains.accounts.rules import Bucket, network_of, subject_of

_SLACK_SECONDS: Final = 60.0
"""By how much the clocks of origins may differ."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The same for all handlers."""

    settings: Accounts
    database: Database
    gate: Gate
    passwords: Passwords
    site_url: str
    now: Callable[[], float]
    make_id: Callable[[], str]
    make_secret: Callable[[int], str]
    """So many random bytes, in hexadecimal."""
    client_of: Callable[[web.Request], str]
    """The IP address that a request comes from."""

    def tokens_end_at(self) -> float:
        """When the last access token that was signed until now has expired, on any clock."""
        return self.now() + self.settings.access_seconds + _SLACK_SECONDS

    def revoke(self, revocations: Iterable[Revocation]) -> None:
        """Refuse here at once what was committed; other origins hear of it (`following`)."""
        self.gate.revoke(revocations, self.now())

    def network(self, request: web.Request) -> dict[str, Bucket]:
        """The bucket for whoever sends this."""
        bucket = Bucket(self.settings.network_attempts_max, self.settings.network_attempt_seconds)
        return {subject_of("network", network_of(self.client_of(request))): bucket}

    def failures(self, name: str) -> dict[str, Bucket]:
        """The bucket for guesses at one address, or one profile's PIN."""
        bucket = Bucket(self.settings.failures_max, self.settings.failure_seconds)
        return {subject_of("guess", name): bucket}

    def mails(self, address: str) -> dict[str, Bucket]:
        """The bucket for mails to one address."""
        bucket = Bucket(self.settings.mails_max, self.settings.mail_seconds)
        return {subject_of("mail", address): bucket}


def name_of(viewer: Viewer) -> str:
    """How a signed-in person is called in records of what was done."""
    return f"account:{viewer.account}"
