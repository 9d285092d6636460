"""Keeps the groups up with the catalog's titles.

They are made in a thread of all titles at the start, and then changed a few titles at a time;
whoever asks before they are made waits for them.
"""

from __future__ import annotations

import asyncio
from typing import Final

from origin.catalog.catalog import Catalog
from origin.catalog.films import read_film
from origin.catalog.progress import Progress
from origin.catalog.title_feed import TitleChanges, all_titles, next_titles
from origin.domains.categories.rules import Groups

_AT_A_TIME: Final = 50
"""So few that nobody waits long for the loop."""


class Keeper:
    """The groups of one origin; `run` keeps them."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._groups = Groups()
        self._made = asyncio.Event()
        self.taken = Progress(-1)
        """Up to which change of titles the groups are right."""

    async def groups(self) -> Groups:
        """The groups, once they are made."""
        await self._made.wait()
        return self._groups

    async def run(self) -> None:
        """Keep them until cancelled."""
        changes, groups = all_titles(self._catalog), Groups()
        await asyncio.to_thread(take, groups, changes)
        self._groups = groups
        self._made.set()
        self.taken.advance(changes.place)
        while True:
            changes = await next_titles(self._catalog, changes.place, _AT_A_TIME)
            take(self._groups, changes)
            self.taken.advance(changes.place)


def take(groups: Groups, changes: TitleChanges) -> None:
    """Put changed titles into the groups, and take removed ones out."""
    for title_id, row in changes.rows.items():
        if row is None:
            groups.remove(title_id)
        else:
            groups.put(read_film(row))
