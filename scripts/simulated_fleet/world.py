"""Where the simulated fleet stands and where its viewers are: cities of the world as a topology."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

HOST: Final = "127.0.0.1"

CITIES: Final = (
    ("ams", 52.37, 4.90), ("atl", 33.75, -84.39), ("bog", 4.71, -74.07), ("bom", 19.08, 72.88),
    ("bru", 50.85, 4.35), ("cai", 30.04, 31.24), ("cdg", 48.86, 2.35), ("cpt", -33.92, 18.42),
    ("del", 28.61, 77.21), ("den", 39.74, -104.99), ("dfw", 32.78, -96.80), ("dub", 53.35, -6.26),
    ("dxb", 25.20, 55.27), ("eze", -34.60, -58.38), ("fra", 50.11, 8.68), ("gru", -23.55, -46.63),
    ("hel", 60.17, 24.94), ("hkg", 22.32, 114.17), ("iad", 38.95, -77.46), ("icn", 37.57, 126.98),
    ("jnb", -26.20, 28.05), ("kix", 34.69, 135.50), ("lax", 34.05, -118.24), ("lhr", 51.51, -0.13),
    ("lim", -12.05, -77.04), ("los", 6.52, 3.38), ("mad", 40.42, -3.70), ("mel", -37.81, 144.96),
    ("mex", 19.43, -99.13), ("mia", 25.76, -80.19), ("mxp", 45.46, 9.19), ("nbo", -1.29, 36.82),
    ("nrt", 35.68, 139.69), ("ord", 41.88, -87.63), ("sea", 47.61, -122.33), ("sin", 1.35, 103.82),
    ("syd", -33.87, 151.21), ("tlv", 32.08, 34.78), ("waw", 52.23, 21.01), ("yyz", 43.65, -79.38),
)  # fmt: skip
"""Sites with edges: name, latitude, longitude. Every fourth edge stands in the first ten of
`BUSIEST`."""

BUSIEST: Final = ("fra", "iad", "lhr", "lax", "sin", "nrt", "gru", "bom", "ams", "ord")

TOWNS: Final = (
    ("akl", -36.85, 174.76), ("anc", 61.22, -149.90), ("ath", 37.98, 23.73),
    ("bkk", 13.76, 100.50), ("dar", -6.79, 39.21), ("hnl", 21.31, -157.86),
    ("ist", 41.01, 28.98), ("kef", 64.15, -21.94), ("khi", 24.86, 67.01), ("lis", 38.72, -9.14),
    ("man", 14.60, 120.98), ("nov", 55.03, 82.92), ("osl", 59.91, 10.75), ("per", -31.95, 115.86),
    ("poa", -30.03, -51.22), ("scl", -33.45, -70.67), ("tas", 41.30, 69.24),
    ("yul", 45.50, -73.57), ("yvr", 49.28, -123.12), ("acc", 5.60, -0.19),
)  # fmt: skip
"""Places with viewers and no edges."""


_PATIENT: Final = {"probe_interval_seconds": 2, "probe_timeout_seconds": 1.9, "down_after": 3}
"""All edges share one process, and that its machine with whoever looks."""


def site_of(number: int) -> str:
    """The site of the edge with a number."""
    if number % 4 == 0:
        return BUSIEST[number // 4 % len(BUSIEST)]
    return CITIES[number % len(CITIES)][0]


def edge_names(count: int) -> list[tuple[str, str]]:
    """Names of so many edges, with their sites."""
    numbers: dict[str, int] = {}
    names = []
    for number in range(count):
        site = site_of(number)
        numbers[site] = numbers.get(site, 0) + 1
        names.append((f"{site}-{numbers[site]}", site))
    return names


def viewer_address(place: int) -> str:
    """An address whose viewers are in the city or town with this number."""
    return f"10.{place}.0.1"


def topology_of(edges: Sequence[tuple[str, str, str]], router: str, origin: str) -> dict[str, Any]:
    """The topology of `edges` (name, site, URL) behind a router at `router` (host:port)."""
    places = (*CITIES, *TOWNS)
    return {
        "version": 1,
        "name": "simulated",
        "sites": [
            {"name": name, "latitude": latitude, "longitude": longitude}
            for name, latitude, longitude in places
        ],
        "origins": [{"name": "origin", "listen": origin, "data": "origin"}],
        "edges": [
            {
                "name": name,
                "site": site,
                "listen": url[7:],
                "url": url,
                "disks": [{"path": f"cache/{name}", "size_bytes": "1GiB"}],
            }
            for name, site, url in edges
        ],
        "routers": [{"name": "router", "listen": router, "settings": _PATIENT}],
        "geo": {
            "default_site": CITIES[0][0],
            "prefixes": {f"10.{at}.0.0/16": name for at, (name, _, _) in enumerate(places)},
            "trusted_proxies": [f"{HOST}/32"],
        },
    }
