"""Places and zones, as a topology says them."""

from __future__ import annotations

from config.dump import dump_topology
from config.load import parse_topology
from config.locating import Dns, Geo
from config.topology import Site, Topology


def test_a_topology_without_a_zone_answers_no_names() -> None:
    assert Topology().geo is None
    assert Topology().dns == Dns()
    assert Dns().zone == ""


def test_places_are_read_as_they_were_written() -> None:
    geo = Geo("fra", {"192.0.2.0/24": "fra"}, trusted_proxies=("10.0.0.0/8",))
    topology = Topology(sites=(Site("fra", 50.0, 8.0),), geo=geo)
    assert parse_topology(dump_topology(topology), {}).geo == geo
