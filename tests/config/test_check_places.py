"""Claims about sites and address prefixes."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from config.check_places import prefixes_are_networks, sites_can_take_viewers
from config.locating import Geo
from config.topology import Address, EdgeNode, Site, Topology

_SITES = (Site("fra", 50.0, 8.0), Site("nyc", 40.0, -74.0))


def edge(name: str, site: str, weight: float) -> EdgeNode:
    return EdgeNode(name, site, Address("127.0.0.1", 1), (), weight=weight)


def test_a_site_is_unreachable_only_when_all_its_edges_have_no_weight() -> None:
    edges = (edge("a", "fra", 0), edge("b", "fra", 1), edge("c", "nyc", 0))
    findings = list(sites_can_take_viewers(Topology(sites=_SITES, edges=edges)))
    assert [finding.path for finding in findings] == ["edges[2].weight"]


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_prefix_is_accepted_exactly_when_nothing_stands_behind_it(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int
) -> None:
    bits = min(bits, address.max_prefixlen)
    text = f"{address}/{bits}"
    found = list(
        prefixes_are_networks(Topology(sites=_SITES, geo=Geo("fra", prefixes={text: "nyc"})))
    )
    network = ipaddress.ip_network(text, strict=False)
    assert bool(found) == (network.network_address != address)
    assert all(str(network) in finding.hint for finding in found)
