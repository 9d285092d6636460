"""What is watched more than before, everywhere or in a country, in all films or a category.

    GET  /v1/trending   films, the most watched of late first, and how that is counted   200

Counted from the log of activity (`origin.catalog.activity`) in memory, by each origin for itself:
all of it that still weighs something at the start and once an hour, what is new every few seconds.
The home page's row and the search's popularity are the same count.
"""

from __future__ import annotations

from collections.abc import Callable

from config.service import Trending as Settings
from origin.catalog.audience import AudienceOf
from origin.catalog.catalog import Catalog
from origin.domains.trending.following import Follower
from origin.domains.trending.handlers import Members, Trending


def open_trending(
    settings: Settings,
    catalog: Catalog,
    *,
    audience_of: AudienceOf,
    members: Members,
    report: Callable[[str], None],
    now: Callable[[], float],
) -> Trending:
    """The domain; `members` says which films a category has."""
    follower = Follower(catalog.database, settings, report, now)
    return Trending(catalog, follower, audience_of, members)
