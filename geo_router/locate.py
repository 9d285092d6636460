"""Where a client is: prefix table, then geo database, then the default site.

A database that is missing, corrupt, of the wrong type or that fails at a look-up never stops the
router: it is logged once per failure, counted every time, and the next source answers. The file
is looked at again by whoever calls `refresh` (a task of `app`); a new one replaces the old by one
assignment.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final

import structlog

from config.topology import Geo
from geo_router.geodatabase import GeoDatabase, GeoDatabaseError, open_database
from geo_router.place import Place, Source
from geo_router.prefixes import IPAddress, PrefixTable

_PLACES_MAX: Final = 65_536

Stamp = tuple[int, int, int]


class Locator:
    """Places addresses by one topology's `geo` part."""

    def __init__(
        self,
        geo: Geo,
        *,
        on_failure: Callable[[str], None] = lambda kind: None,
        open_file: Callable[[str], GeoDatabase] = open_database,
    ) -> None:
        """`on_failure` counts: "open", "absent" or "lookup".

        Raises BadRequestError for a bad prefix.
        """
        self._table = PrefixTable(geo.prefixes)
        self._default = Place(Source.DEFAULT, site=geo.default_site)
        self._path = geo.database
        self._on_failure = on_failure
        self._open_file = open_file
        self._log = structlog.get_logger("geo_router.locate")
        self._database: GeoDatabase | None = None
        self._stamp: Stamp | None = None
        self._complaint = ""
        self._places: dict[IPAddress, Place] = {}
        self.version = 0
        """Changes whenever the place of an address may have."""

    @property
    def database(self) -> str:
        """What is in use: the type of the open database, or why there is none."""
        if self._database is not None:
            return self._database.description
        return self._complaint or "none"

    def locate(self, address: IPAddress | None) -> Place:
        """The place of an address; never raises."""
        if address is None:
            return self._default
        place = self._places.get(address)
        if place is None:
            place = self._look_up(address)
        return place

    def locate_network(self, address: IPAddress) -> tuple[Place, int]:
        """The place of an address and the length of the prefix around it that is all there."""
        place = self.locate(address)
        length = self._table.uniform_length(address)
        if place.source is Source.DATABASE and "/" in place.matched:
            length = max(length, int(place.matched.rpartition("/")[2]))
        elif place.source is Source.DEFAULT and self._database is not None:
            # Which addresses beside it the database does not know either, it does not tell.
            length = max(length, 24 if address.version == 4 else 48)
        return place, length

    async def refresh(self) -> bool:
        """Open the database if its file is new or has changed; true when one was put in place."""
        if not self._path:
            return False
        stamp = _stamp(self._path)
        if stamp == self._stamp and (stamp is not None or self._complaint):
            return False
        try:
            database = await asyncio.to_thread(self._open_file, self._path)
        except GeoDatabaseError as error:
            # The one in use goes on: it is older, not wrong.
            self._stamp = stamp
            self._complain("open", error)
            return False
        self._stamp = stamp
        self._complaint = ""
        # The old reader is not closed here: its last reference goes with this assignment.
        self._database = database
        self._places = {}
        self.version += 1
        self._log.info("geo database opened", path=self._path, kind=database.description)
        return True

    def _look_up(self, address: IPAddress) -> Place:
        match = self._table.find(address)
        if match is not None:
            place = Place(Source.PREFIX, match.prefix, site=match.value)
            self._remember(address, place)
            return place
        database = self._database
        if database is None:
            if self._path:
                self._on_failure("absent")
            return self._default
        try:
            found = database.find(address)
        except GeoDatabaseError as error:
            self._complain("lookup", error)
            return self._default
        place = self._default
        if found is not None:
            place = Place(
                Source.DATABASE,
                found.network,
                coordinates=found.coordinates,
                country=found.country,
            )
        self._remember(address, place)
        return place

    def _remember(self, address: IPAddress, place: Place) -> None:
        # Emptied whole when full: refilling costs less than keeping an order of use.
        if len(self._places) >= _PLACES_MAX:
            self._places.clear()
        self._places[address] = place

    def _complain(self, kind: str, error: GeoDatabaseError) -> None:
        self._on_failure(kind)
        complaint = f"{kind}: {error}" if kind == "open" else kind
        if complaint != self._complaint:
            self._complaint = complaint
            self._log.warning("geo database failed", path=self._path, kind=kind, error=str(error))


def _stamp(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
