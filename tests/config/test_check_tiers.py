"""Claims about peers and shields."""

from __future__ import annotations

from config.check_tiers import shields_are_asked, shields_are_shields, tiers_have_a_key
from config.token_keys import TokenKey
from config.topology import Address, EdgeNode, Site, Topology

KEY = TokenKey("k", "a-key-of-thirty-two-characters!!")


def edge(name: str, site: str, role: str = "edge") -> EdgeNode:
    return EdgeNode(name, site, Address("127.0.0.1", 1), (), role=role)


def site(name: str, *shields: str, peers: bool = False) -> Site:
    return Site(name, 0, 0, shields=shields, peers=peers)


EDGES = (edge("a", "fra"), edge("s", "mid", "shield"), edge("t", "mid", "shield"))


def test_a_site_with_a_known_shield_and_a_key_is_fine() -> None:
    topology = Topology(
        sites=(site("fra", "s", "t", peers=True), site("mid")), edges=EDGES, token_keys=(KEY,)
    )
    for check in (shields_are_shields, shields_are_asked, tiers_have_a_key):
        assert list(check(topology)) == []


def test_shields_are_known_are_shields_and_are_named_once() -> None:
    topology = Topology(sites=(site("fra", "ss", "a", "s", "s"),), edges=EDGES)
    found = [(each.path, each.message) for each in shields_are_shields(topology)]
    assert [path for path, _ in found] == [f"sites[0].shields[{place}]" for place in (0, 1, 3)]
    assert "no edge is named 'ss'" in found[0][1]
    assert "takes viewers" in found[1][1]
    assert "twice" in found[2][1]


def test_a_shield_that_only_shields_would_ask_is_said_to_be_asked_by_nobody() -> None:
    sites = (site("fra", "s"), site("mid", "t"))
    (found,) = shields_are_asked(Topology(sites=sites, edges=EDGES))
    assert found.path == "edges[2].role"
    assert "'t'" in found.message


def test_tiers_without_a_key_are_refused() -> None:
    sites = (site("fra", peers=True), site("nyc", "s"), site("sin"))
    found = list(tiers_have_a_key(Topology(sites=sites, edges=EDGES)))
    assert [each.path for each in found] == ["sites[0].peers", "sites[1].shields"]
