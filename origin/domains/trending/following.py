"""Keeps an origin's views up with the log: the new part often, all of it now and then.

Counting all again is what lets go of people who were erased.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from config.service import Trending as Settings
from origin.catalog.activity import newest_number
from origin.catalog.database import Database
from origin.catalog.looking import keep_looking
from origin.domains.trending import queries
from origin.domains.trending.rules import Standing, Views

RECOUNT_SECONDS: Final = 3600.0


class Follower:
    """The views of one origin; `run` keeps them."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        report: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self.settings = settings
        self._report = report
        self._now = now
        self._views = Views(settings.half_life_seconds, now())
        self._seen = 0
        self._recounted_at = float("-inf")
        self._standings: dict[str, Standing] = {}

    async def run(self) -> None:
        """Follow until cancelled; a database that is away is reported once and awaited."""
        await keep_looking(
            self.look, self.settings.look_seconds, self._report, "what is trending is not counted"
        )

    async def look(self) -> None:
        """Take in what is new, or all when it is time. Raises UnavailableError."""
        if self._now() - self._recounted_at >= RECOUNT_SECONDS:
            await self._recount()
        else:
            await self._catch_up()
        self._standings.clear()

    def standing(self, region: str) -> Standing:
        """How titles stand in a region, as of the last look or a little later."""
        found, now = self._standings.get(region), self._now()
        if found is None or now - found.at >= self.settings.look_seconds:
            found = self._views.standing(region, now)
            self._standings[region] = found
        return found

    async def _recount(self) -> None:
        now = self._now()
        views = Views(self.settings.half_life_seconds, now)
        async with self._database.reading() as connection:
            newest = await newest_number(connection)
            # A window at a time: within one, the play with the smallest number is the view.
            for start, stop in views.spans():
                async for plays in queries.plays_between(connection, start, stop):
                    views.add(plays)
        self._views, self._seen, self._recounted_at = views, newest, now

    async def _catch_up(self) -> None:
        self._views.advance(self._now())
        async with self._database.reading() as connection:
            newest = await newest_number(connection)
            async for plays in queries.plays_after(connection, self._seen, newest):
                self._views.add(plays)
        self._seen = max(self._seen, newest)
