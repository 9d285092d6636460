"""Ten thousand real addresses land at the nearest healthy site, checked by brute force.

With CINEDGE_GEO_DATABASE naming an installed database (`cinedge geo fetch`) the addresses are
drawn from the whole of it; else from the published test database, which knows far fewer networks.
"""

from __future__ import annotations

import itertools
import math
import os
import random
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import maxminddb
import pytest

from config.locating import Geo
from config.topology import Address, EdgeNode, Site
from geo_router.choose import Chooser
from geo_router.locate import Locator
from tests.geo_router.geo_files import published
from tests.geo_router.worlds import fleet_of, take_down

ADDRESSES = 10_000
CITIES = {
    "ams": (52.37, 4.90), "bom": (19.08, 72.88), "bog": (4.71, -74.07), "cai": (30.04, 31.24),
    "dfw": (32.78, -96.80), "fra": (50.11, 8.68), "gru": (-23.55, -46.63), "hel": (60.17, 24.94),
    "iad": (38.95, -77.46), "jnb": (-26.20, 28.05), "lax": (34.05, -118.24), "los": (6.52, 3.38),
    "mad": (40.42, -3.70), "nrt": (35.68, 139.69), "scl": (-33.45, -70.67), "sea": (47.61, -122.33),
    "sin": (1.35, 103.82), "sto": (59.33, 18.07), "syd": (-33.87, 151.21), "waw": (52.23, 21.01),
}  # fmt: skip


def haversine_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The textbook formula, shared with nothing of the router."""
    latitude_1, longitude_1, latitude_2, longitude_2 = map(math.radians, (*one, *other))
    half = (
        math.sin((latitude_2 - latitude_1) / 2) ** 2
        + math.cos(latitude_1)
        * math.cos(latitude_2)
        * math.sin((longitude_2 - longitude_1) / 2) ** 2
    )
    return 2 * 6371.0 * math.asin(math.sqrt(half))


def database() -> Path:
    named = os.environ.get("CINEDGE_GEO_DATABASE", "")
    if named and not Path(named).exists():
        pytest.skip(f"{named} (CINEDGE_GEO_DATABASE) is not there")
    return Path(named) if named else published("GeoLite2-City-Test.mmdb")


def point_of(record: object) -> tuple[float, float] | None:
    """Coordinates in either schema, read without the router."""
    if not isinstance(record, dict):
        return None
    location = record.get("location", record)
    latitude, longitude = location.get("latitude"), location.get("longitude")
    return None if latitude is None or longitude is None else (latitude, longitude)


def draw(path: Path) -> list[tuple[str, tuple[float, float]]]:
    """Addresses with a known point: at random from a large database, else from each network."""
    chance = random.Random(1)
    found: list[tuple[str, tuple[float, float]]] = []
    with maxminddb.open_database(str(path), maxminddb.MODE_MEMORY) as reader:
        if reader.metadata().node_count > 1_000_000:
            while len(found) < ADDRESSES:
                address = str(IPv4Address(chance.getrandbits(32)))
                point = point_of(reader.get(address))
                if point is not None:
                    found.append((address, point))
            return found
        networks = [(n, p) for n, r in reader if (p := point_of(r)) is not None]
        for network, point in itertools.islice(itertools.cycle(networks), ADDRESSES):
            offset = chance.randrange(min(network.num_addresses, 1 << 62))
            found.append((str(network.network_address + offset), point))
    return found


async def test_ten_thousand_addresses_land_at_the_nearest_healthy_site() -> None:
    path = database()
    sites = [Site(name, *point) for name, point in CITIES.items()]
    edges = [
        EdgeNode(f"{name}-{n}", name, Address("127.0.0.1", 1), ())
        for name in CITIES
        for n in (0, 1)
    ]
    fleet = fleet_of(edges)
    chooser = Chooser(sites, edges, fleet)
    locator = Locator(Geo("fra", database=str(path)))
    assert await locator.refresh()
    drawn = draw(path)
    for dead in ((), ("fra", "iad", "nrt", "sin")):
        take_down(fleet, *(f"{name}-{n}" for name in dead for n in (0, 1)))
        alive = {name: point for name, point in CITIES.items() if name not in dead}
        landed = set()
        for address, point in drawn:
            place = locator.locate(ip_address(address))
            named = chooser.choose(place, "/films/a.mp4").candidates[0].site
            nearest_km = min(haversine_km(point, each) for each in alive.values())
            # Two sites a few metres apart in distance may be told apart differently.
            assert haversine_km(point, alive[named]) <= nearest_km + 0.01, address
            landed.add(named)
        assert len(landed) >= 5
    assert len(drawn) == ADDRESSES
