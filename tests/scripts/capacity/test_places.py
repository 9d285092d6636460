"""Claims about where viewers are served from."""

from __future__ import annotations

import pytest

from config.load import parse_topology
from config.topology import Topology
from scripts.capacity.demand import Region
from scripts.capacity.places import Standing, planned, standing
from scripts.cli.errors import UsageError
from tests.scripts.capacity.made import SERVER, made

_TOPOLOGY = """\
sites:
  - {name: fra, latitude: 50, longitude: 8, region: eu, peers: true, shields: [shield]}
  - {name: par, latitude: 49, longitude: 2, region: eu}
  - {name: nyc, latitude: 41, longitude: -74}
  - {name: core, latitude: 50, longitude: 8}
edges:
  - {name: e1, site: fra, listen: "127.0.0.1:1", capacity_bits_per_second: 8000000000,
     disks: [{path: a, size_bytes: 1GB}, {path: b, size_bytes: 2GB}]}
  - {name: e2, site: fra, listen: "127.0.0.1:2", disks: [{path: c, size_bytes: 1GB}]}
  - {name: e3, site: par, listen: "127.0.0.1:3", disks: [{path: d, size_bytes: 5GB}]}
  - {name: e4, site: nyc, listen: "127.0.0.1:4", disks: [{path: e, size_bytes: 5GB}]}
  - {name: e5, site: nyc, listen: "127.0.0.1:5", disks: [{path: f, size_bytes: 5GB}]}
  - {name: shield, site: core, role: shield, listen: "127.0.0.1:6",
     disks: [{path: g, size_bytes: 9GB}]}
token_keys: [{id: k, secret: a-secret-of-32-characters-or-more}]
routes: [{upstream: ["http://127.0.0.1:8000"]}]
"""


@pytest.fixture(scope="module")
def topology() -> Topology:
    return parse_topology(_TOPOLOGY, {})


def test_regions_share_the_peak_over_their_sites() -> None:
    layout = planned(made(shield_disk_bytes=5))
    shown = [(p.name, p.count, p.peak_bytes_per_second, p.shared) for p in layout.places]
    assert shown == [("a", 3, 2.5e9, True), ("b", 2, 1.25e9, True)]
    assert layout.shield_bytes == {"a": 5, "b": 5}
    assert not planned(made(layout="alone")).places[0].shared


def test_sites_of_a_topology_are_met_by_region_or_by_name(topology: Topology) -> None:
    demand = made(regions=(Region("eu", 0.6), Region("nyc", 0.4)))
    layout = standing(demand, topology, SERVER)
    shown = [(p.name, p.region, p.peak_bytes_per_second, p.shared) for p in layout.places]
    assert shown == [
        ("fra", "eu", 3e9, True),
        ("par", "eu", 3e9, True),
        ("nyc", "nyc", 4e9, False),
    ]
    assert layout.places[0].standing == Standing(2, 2e9, 3, 4 * 10**9)
    assert layout.shield_bytes == {"eu": 9 * 10**9, "nyc": 0}


def test_one_region_is_all_sites_that_take_viewers(topology: Topology) -> None:
    layout = standing(made(regions=(Region("everywhere", 1.0),)), topology, SERVER)
    assert [place.name for place in layout.places] == ["fra", "par", "nyc"]


def test_a_region_without_a_site_is_refused_with_a_name_that_is_near(topology: Topology) -> None:
    demand = made(regions=(Region("eu", 0.6), Region("nyk", 0.4)))
    with pytest.raises(UsageError, match="region 'nyk'; did you mean 'nyc'"):
        standing(demand, topology, SERVER)
