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

RegionOf = Callable[[web.Request], Awaitable[str]]
"""The country a request comes from (ISO 3166-1), empty when nobody knows."""
HiddenTitles = Callable[[str], Awaitable[frozenset[str]]]
"""Ids of the titles that may not be shown in a country; the same set while nothing changes."""


def make_audience_of(
    anonymous_age_max: int, region_of: RegionOf, hidden: HiddenTitles
) -> AudienceOf:
    """How requests are looked at."""

    async def audience_of(request: web.Request) -> Audience:
        region = await region_of(request)
        out_of_reach = await hidden(region)
        if FIND_VIEWER not in request.app or "Authorization" not in request.headers:
            return Audience(age_max=anonymous_age_max, region=region, hidden=out_of_reach)
        viewer = request.app[FIND_VIEWER](request)
        return Audience(
            age_max=viewer.age_max,
            language=viewer.language,
            account=viewer.account,
            profile=viewer.profile,
            region=region,
            hidden=out_of_reach,
        )

    return audience_of
