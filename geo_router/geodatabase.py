"""One small door to databases in MaxMind's file format.

Files in the GeoIP2 schema (GeoIP2, GeoLite2 and those that imitate them) are read through geoip2;
flat ones, which keep `country_code`, `latitude`, … at the top of the record, through maxminddb.
Both read from memory with the reader that is written in Python: the one in C calls abort() on
some broken files and dies with a mapped file that is cut short, which operators do when they copy
a new database over an old one. It costs some 60 us for an address not seen before.
"""

from __future__ import annotations

import io
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import geoip2.database
import geoip2.errors
import maxminddb

from cdnkit.errors import CinedgeError
from geo_router.countries import CENTRES
from geo_router.prefixes import IPAddress

_NESTED_KEYS: Final = ("continent", "country", "registered_country", "location")
_LATITUDE_KEYS: Final = ("latitude", "lat")
_LONGITUDE_KEYS: Final = ("longitude", "lon", "lng")
_COUNTRY_KEYS: Final = ("country_code", "country_iso_code", "country")


class GeoDatabaseError(CinedgeError):
    """The file cannot be used, or broke at a look-up. Caught by `locate`, never by a viewer."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a database knows of an address."""

    coordinates: tuple[float, float]
    country: str
    network: str


class GeoDatabase(Protocol):
    """A database that is open."""

    description: str

    def find(self, address: IPAddress) -> Found | None:
        """What it knows; None when nothing. Raises GeoDatabaseError."""

    def close(self) -> None:
        """Give the memory back."""


def open_database(path: str) -> GeoDatabase:
    """Open a file with the reader that fits its schema. Raises GeoDatabaseError."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise GeoDatabaseError(f"{path}: {error.strerror}") from error
    try:
        return _open(path, content)
    except GeoDatabaseError:
        raise
    except Exception as error:  # readers raise a wide family for a broken file
        raise GeoDatabaseError(f"{path}: {type(error).__name__}: {error}") from error


def _open(path: str, content: bytes) -> GeoDatabase:
    reader = maxminddb.open_database(_Content(path, content), maxminddb.MODE_FD)
    kind = str(reader.metadata().database_type)
    sample = next((record for _, record in reader), None)
    if not isinstance(sample, Mapping):
        raise GeoDatabaseError(f"{path}: a {kind} database without a record")
    if any(isinstance(sample.get(key), Mapping) for key in _NESTED_KEYS):
        return _GeoIP2Schema(path, content, kind)
    if not any(key in sample for key in (*_LATITUDE_KEYS, *_COUNTRY_KEYS)):
        raise GeoDatabaseError(f"{path}: a {kind} database says nothing about places")
    return _FlatSchema(reader, kind)


class SplitDatabase:
    """Two databases as one, where a publisher ships a file for each family of addresses."""

    def __init__(self, ipv4: GeoDatabase, ipv6: GeoDatabase) -> None:
        self.description = f"{ipv4.description} and {ipv6.description}"
        self._by_version = {4: ipv4, 6: ipv6}

    def find(self, address: IPAddress) -> Found | None:
        """What the database of its family knows; None when nothing. Raises GeoDatabaseError."""
        return self._by_version[address.version].find(address)

    def close(self) -> None:
        """Give the memory of both back."""
        for database in self._by_version.values():
            database.close()


class _Content(io.BytesIO):
    """The bytes of a file under its name, as the readers want to have them."""

    def __init__(self, path: str, content: bytes) -> None:
        super().__init__(content)
        self.name = path


class _GeoIP2Schema:
    def __init__(self, path: str, content: bytes, kind: str) -> None:
        self.description = kind
        self._reader = geoip2.database.Reader(
            _Content(path, content), locales=["en"], mode=maxminddb.MODE_FD
        )
        self._version = self._reader.metadata().ip_version
        by_kind: dict[str, Callable[[IPAddress], geoip2.models.Country]] = {
            "City": self._reader.city,
            "Enterprise": self._reader.enterprise,
            "Country": self._reader.country,
        }
        for word, look_up in by_kind.items():
            if word in kind:
                self._look_up = look_up
                return
        raise GeoDatabaseError(f"{path}: no reader for databases of type {kind}")

    def find(self, address: IPAddress) -> Found | None:
        if address.version > self._version:
            return None
        try:
            record = self._look_up(address)
        except geoip2.errors.AddressNotFoundError:
            return None
        except Exception as error:  # a corrupt file fails at look-up, in many ways
            raise GeoDatabaseError(f"{type(error).__name__}: {error}") from error
        location = getattr(record, "location", None)
        country = record.country.iso_code or record.registered_country.iso_code or ""
        network = str(record.traits.network or address)
        return _found(
            getattr(location, "latitude", None),
            getattr(location, "longitude", None),
            country,
            network,
        )

    def close(self) -> None:
        self._reader.close()


class _FlatSchema:
    def __init__(self, reader: maxminddb.Reader, kind: str) -> None:
        self.description = kind
        self._reader = reader
        self._version = self._reader.metadata().ip_version

    def find(self, address: IPAddress) -> Found | None:
        if address.version > self._version:
            return None
        try:
            record, length = self._reader.get_with_prefix_len(address)
        except Exception as error:  # a corrupt file fails at look-up, in many ways
            raise GeoDatabaseError(f"{type(error).__name__}: {error}") from error
        if not isinstance(record, Mapping):
            return None
        network = ipaddress.ip_network((address, length), strict=False)
        return _found(
            _first(record, _LATITUDE_KEYS),
            _first(record, _LONGITUDE_KEYS),
            _first(record, _COUNTRY_KEYS),
            str(network),
        )

    def close(self) -> None:
        self._reader.close()


def _first(record: Mapping[str, object], keys: tuple[str, ...]) -> object:
    return next((record[key] for key in keys if key in record), None)


def _found(latitude: object, longitude: object, country: object, network: str) -> Found | None:
    code = country.upper() if isinstance(country, str) else ""
    point = (_degrees(latitude, 90), _degrees(longitude, 180))
    if point[0] is not None and point[1] is not None:
        return Found((point[0], point[1]), code, network)
    centre = CENTRES.get(code)
    return None if centre is None else Found(centre, code, network)


def _degrees(value: object, limit: float) -> float | None:
    if isinstance(value, str):  # flat databases keep numbers as text
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, int | float) or not -limit <= value <= limit:
        return None
    return float(value)
