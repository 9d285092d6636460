"""Which titles are not shown in a country: those that nobody there could watch, now or later.

A list that offers what playback then refuses is of no use to anybody. What only waits for its
window or for another plan is listed. Licences are kept in memory, because each list asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cdnkit.errors import UnavailableError
from origin.catalog.database import Database
from origin.domains.licences import queries
from origin.domains.licences.rules import FOREVER, Licence, may_be_listed

REFRESH_SECONDS: Final = 60.0
"""How late what another origin process changed may be seen in lists; playback asks the rows."""

LicencesOfTitles = Mapping[str, Sequence[Licence]]


@dataclass(frozen=True, slots=True)
class _Kept:
    """Licences as they were read, and what was made of them for countries."""

    by_title: LicencesOfTitles
    good_until: float
    by_territory: dict[str, frozenset[str]] = field(default_factory=dict)


class Showing:
    """What is hidden where. `title_ids` gives all titles there are."""

    def __init__(
        self,
        database: Database,
        title_ids: Callable[[], Iterable[str]],
        *,
        required: bool,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._title_ids = title_ids
        self._required = required
        self._now = now
        self._kept: _Kept | None = None
        self._is_changed = False
        self._reading = asyncio.Lock()

    def forget(self) -> None:
        """A licence has changed: the next list reads them again."""
        self._is_changed = True

    async def hidden(self, territory: str) -> frozenset[str]:
        """Ids of the titles not to be shown in a country; empty text for an unknown one.

        The same set while nothing changes. Raises UnavailableError when licences were never read.
        """
        kept = self._good() or await self._read()
        found = kept.by_territory.get(territory)
        if found is None:
            titles = self._title_ids() if self._required else ()
            found = hidden_titles(kept.by_title, titles, territory, self._now())
            kept.by_territory[territory] = found
        return found

    def _good(self) -> _Kept | None:
        kept = self._kept
        usable = kept is not None and not self._is_changed and self._now() < kept.good_until
        return kept if usable else None

    async def _read(self) -> _Kept:
        async with self._reading:
            if (kept := self._good()) is not None:
                return kept
            self._is_changed = False
            try:
                by_title = await self._load()
            except UnavailableError:
                if self._kept is None:
                    raise
                by_title = self._kept.by_title
            now = self._now()
            until = min(now + REFRESH_SECONDS, next_end(by_title, now))
            self._kept = _Kept(by_title, until)
            return self._kept

    async def _load(self) -> LicencesOfTitles:
        by_title: dict[str, list[Licence]] = {}
        async with self._database.reading() as connection:
            for licence in await queries.load_all(connection):
                by_title.setdefault(licence.title_id, []).append(licence)
        return by_title


def hidden_titles(
    by_title: LicencesOfTitles, unlicensed: Iterable[str], territory: str, now: float
) -> frozenset[str]:
    """Titles none of whose licences can be of use in a territory, and of `unlicensed` those that
    have no licence at all."""
    useless = {
        title_id
        for title_id, licences in by_title.items()
        if not any(may_be_listed(each, territory, now) for each in licences)
    }
    return frozenset(useless.union(each for each in unlicensed if each not in by_title))


def next_end(by_title: LicencesOfTitles, now: float) -> float:
    """The next moment a window closes, after which more may be hidden."""
    ends = (each.until for licences in by_title.values() for each in licences)
    return min((end for end in ends if end > now), default=FOREVER)
