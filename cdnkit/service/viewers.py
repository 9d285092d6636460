"""Who is watching: what the handlers of the film service know of the person behind a request.

The accounts of the origin give out session tokens and say how one is read; a handler that takes a
parameter called `viewer` (`cdnkit.service.operations`) is called only with somebody. Programs with
bearer tokens are another matter (`cdnkit.service.auth`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from aiohttp import web

from cdnkit.errors import ForbiddenError, UnauthorizedError

AGE_ANY: Final = 99
"""Years: no film asks for more."""


class Role(enum.StrEnum):
    """What an account may do besides watching."""

    VIEWER = "viewer"
    INTEGRATOR = "integrator"
    OPERATOR = "operator"
    ADMIN = "admin"


SCOPES: Final[dict[Role, frozenset[str]]] = {
    Role.VIEWER: frozenset(),
    Role.INTEGRATOR: frozenset({"upload"}),
    Role.OPERATOR: frozenset({"purge", "operate"}),
    Role.ADMIN: frozenset({"admin"}),
}
"""The scopes of `cdnkit.service.auth` that a role carries."""


class ProfileNeededError(ForbiddenError):
    """The session has not chosen a profile yet."""

    code: ClassVar[str] = "profile-needed"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in account and, once chosen, the profile that watches.

    `age_max` is in years: films for older people are not for this profile. `language` is a
    BCP 47 tag or empty.
    """

    account: str
    session: str
    role: Role = Role.VIEWER
    profile: str = ""
    age_max: int = AGE_ANY
    language: str = ""


FindViewer = Callable[[web.Request], Viewer]
"""Raises UnauthorizedError without a session that is good now."""

FIND_VIEWER: Final[web.AppKey[FindViewer]] = web.AppKey("find_viewer")


def find_viewer(request: web.Request, *, with_profile: bool) -> Viewer:
    """Who asks. Raises UnauthorizedError, and ProfileNeededError when a profile is asked for."""
    find = request.app.get(FIND_VIEWER)
    if find is None:
        raise UnauthorizedError("There are no accounts here.")
    viewer = find(request)
    if with_profile and not viewer.profile:
        raise ProfileNeededError("Choose a profile first.")
    return viewer
