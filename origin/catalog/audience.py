"""Who looks at the catalogue: what of it may be shown to them. Pure.

Made of a request by the film service's composition root; listings and searches only ask it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from cdnkit.service.viewers import AGE_ANY


@dataclass(frozen=True, slots=True)
class Audience:
    """Somebody who looks, signed in or not.

    `age_max` is in years, `language` a BCP 47 tag or empty, `profile` empty when nobody is signed
    in, `region` the country they are in (ISO 3166-1) or empty. `hidden` are ids of titles that are
    not licensed there.
    """

    age_max: int = AGE_ANY
    language: str = ""
    account: str = ""
    profile: str = ""
    region: str = ""
    hidden: frozenset[str] = field(default=frozenset())

    def may_see(self, title_id: str, age: int) -> bool:
        """Whether a film for people of `age` on may be shown."""
        return age <= self.age_max and title_id not in self.hidden


AudienceOf = Callable[[web.Request], Awaitable[Audience]]
"""Raises UnauthorizedError for a session that is not good any more."""
