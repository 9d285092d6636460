"""Where a client is: prefix table, then geo database, then the default site.

A database that is missing, corrupt, of the wrong type or that fails at a look-up never stops the
router: it is logged once per failure, counted every time, and the next source answers. The file
is looked at again by whoever calls `refresh` (a task of `app`); a new one replaces the old by one
assignment.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import structlog

from cdnkit.errors import BadRequestError
from config.locating import Geo
from config.topology import Topology
from geo_router.geodatabase import GeoDatabase, GeoDatabaseError, SplitDatabase, open_database
from geo_router.place import Place, Source
from geo_router.prefix_files import merge_prefixes, read_prefixes
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
        sites: Collection[str] = (),
        version: int = 0,
    ) -> None:
        """`on_failure` counts: "open", "absent", "lookup" or "table"; `sites` may be named in
        the table file; `version` is where counting goes on when this one replaces another.

        Raises BadRequestError for a bad prefix.
        """
        self._table = PrefixTable(geo.prefixes)
        self._default = Place(Source.DEFAULT, site=geo.default_site)
        self._prefixes = geo.prefixes
        self._table_path = geo.table
        self._table_stamp: Stamp | None = None
        self._sites = sites
        self._path = geo.database
        self._path_ipv6 = geo.database_ipv6
        self._on_failure = on_failure
        self._open_file = open_file
        self._log = structlog.get_logger("geo_router.locate")
        self._database: GeoDatabase | None = None
        self._stamp: tuple[Stamp | None, ...] | None = None
        self._complaint = ""
        self._places: dict[IPAddress, Place] = {}
        self._table_places: dict[str, Place] = {}
        self.version = version
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
        match = self._table.find(address)
        if match is not None:
            place = self._table_places.get(match.prefix)
            if place is None:
                place = Place(Source.PREFIX, match.prefix, site=match.value)
                self._table_places[match.prefix] = place
            return place
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
        """Read what is new or has changed of table and database; true when a database is new."""
        if self._table_path:
            await self._refresh_table()
        if not self._path:
            return False
        paths = (self._path, self._path_ipv6) if self._path_ipv6 else (self._path,)
        stamp = tuple(_stamp(path) for path in paths)
        if stamp == self._stamp and (None not in stamp or self._complaint):
            return False
        try:
            database = await asyncio.to_thread(self._open, paths)
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

    def _open(self, paths: tuple[str, ...]) -> GeoDatabase:
        opened = [self._open_file(path) for path in paths]
        return opened[0] if len(opened) == 1 else SplitDatabase(opened[0], opened[1])

    async def _refresh_table(self) -> None:
        stamp = _stamp(self._table_path)
        if stamp == self._table_stamp:
            return
        self._table_stamp = stamp
        try:
            text = await asyncio.to_thread(Path(self._table_path).read_text, "utf-8")
            read = read_prefixes(text.splitlines(), self._sites)
            table = PrefixTable(merge_prefixes(self._prefixes, read))
        except (OSError, UnicodeDecodeError, BadRequestError) as error:
            # The one in use goes on: it is older, not wrong.
            self._on_failure("table")
            self._log.warning("prefix table failed", path=self._table_path, error=str(error))
            return
        self._table = table
        self._places, self._table_places = {}, {}
        self.version += 1
        self._log.info("prefix table read", path=self._table_path, prefixes=len(table))

    def _look_up(self, address: IPAddress) -> Place:
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


def geo_of(topology: Topology) -> Geo:
    """The geo part, or the first site for everybody. Raises BadRequestError without a site."""
    if topology.geo is not None:
        return topology.geo
    if not topology.sites:
        raise BadRequestError("a router needs at least one site to send viewers to")
    return Geo(default_site=topology.sites[0].name)


def _stamp(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
