"""Who looks at the catalogue, made of a request: a viewer's profile, or anybody.

Part of the composition: what of the rights is to be asked comes in as a function. A request
without credentials is nobody's; one whose session has ended is refused, so that the player renews
it and is not shown a stranger's page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from cdnkit.service.viewers import FIND_VIEWER
from origin.catalog.audience import Audience, AudienceOf

HiddenTitles = Callable[[web.Request], Awaitable[frozenset[str]]]
"""Ids of the titles that may not be shown where a request comes from; the same set while nothing
changes."""


def make_audience_of(anonymous_age_max: int, hidden: HiddenTitles) -> AudienceOf:
    """How requests are looked at."""

    async def audience_of(request: web.Request) -> Audience:
        out_of_reach = await hidden(request)
        if FIND_VIEWER not in request.app or "Authorization" not in request.headers:
            return Audience(age_max=anonymous_age_max, hidden=out_of_reach)
        viewer = request.app[FIND_VIEWER](request)
        return Audience(
            age_max=viewer.age_max,
            language=viewer.language,
            account=viewer.account,
            profile=viewer.profile,
            hidden=out_of_reach,
        )

    return audience_of
