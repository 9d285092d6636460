from __future__ import annotations

import ssl
from dataclasses import replace

import pytest

from cdnkit.freshness import CDN, RFC
from config.caching import Caching, UpstreamTls
from config.topology import (
    Address,
    CacheDisk,
    EdgeNode,
    EdgeSettings,
    OriginNode,
    Route,
    Site,
    Topology,
)
from edge.routes import routing_of, tiers_of, upstreams_of
from edge.upstream.endpoint import AuthorityError

NODE = EdgeNode("e", "s", Address("h", 1), (CacheDisk("/c"),))
OWN = OriginNode("o", Address("h", 2), "/d", url="http://own.example/")


def with_caching(caching: Caching) -> EdgeNode:
    return replace(NODE, settings=EdgeSettings(caching=caching))


def test_a_routes_caching_replaces_that_of_the_edge() -> None:
    topology = Topology(
        routes=(Route("/"), Route("/a/", caching=Caching()), Route("/b/", caching=Caching("rfc")))
    )
    routing = routing_of(with_caching(Caching("rfc", store_set_cookie=False)), topology)
    assert routing.policy_of(b"/x") == replace(RFC, store_set_cookie=False)
    assert routing.policy_of(b"/a/x") == CDN
    assert routing.policy_of(b"/b/x") == RFC
    assert routing.match(b"/b/x").rule.policy == RFC


def test_routes_without_upstreams_lead_to_the_origins_of_the_topology() -> None:
    topology = Topology(
        origins=(OWN,), routes=(Route("/"), Route("/p/", ("http://a/x", "http://b")))
    )
    own, pulled = upstreams_of(NODE, topology, lambda: 0.0)
    assert [pool.endpoint.base_path for pool in own.pools] == [b"/v1/content/"]
    assert [pool.endpoint.authority for pool in pulled.pools] == [b"a", b"b"]


def test_every_limit_reaches_the_upstreams() -> None:
    settings = EdgeSettings(
        connect_timeout_seconds=1,
        tls_timeout_seconds=2,
        first_byte_timeout_seconds=3,
        read_timeout_seconds=4,
        upstream_connections_max=5,
        caching=Caching("rfc"),
    )
    topology = Topology(routes=(Route("/", ("http://a",)),))
    (upstreams,) = upstreams_of(replace(NODE, settings=settings), topology, lambda: 0.0)
    limits = upstreams.pools[0]._limits
    assert (limits.connect_timeout_seconds, limits.tls_timeout_seconds) == (1, 2)
    assert (limits.first_byte_timeout_seconds, limits.read_timeout_seconds) == (3, 4)
    assert (limits.connections_max, limits.unknown_codings) == (5, True)


def test_https_upstreams_are_verified_by_the_routes_authorities_and_name() -> None:
    topology = Topology(
        routes=(Route("/", ("https://a",), upstream_tls=UpstreamTls(name="b.example")),)
    )
    (upstreams,) = upstreams_of(NODE, topology, lambda: 0.0)
    trust = upstreams.pools[0]._trust
    assert trust.name == "b.example"
    assert trust.context is not None
    assert trust.context.verify_mode is ssl.CERT_REQUIRED
    assert trust.context.check_hostname


def test_a_missing_file_of_authorities_is_an_error_at_the_start() -> None:
    tls = UpstreamTls(ca="/nonexistent/ca.pem")
    topology = Topology(routes=(Route("/", ("https://a",), upstream_tls=tls),))
    with pytest.raises(AuthorityError):
        upstreams_of(NODE, topology, lambda: 0.0)


def a_site() -> Topology:
    shield = replace(NODE, name="shield", site="mid", role="shield", peer_url="http://s:1")
    peer = replace(NODE, name="edge-2", url="https://e2")
    return Topology(
        sites=(Site(NODE.site, 0, 0, peers=True, shields=("shield",)), Site("mid", 0, 0)),
        edges=(NODE, peer, shield, replace(NODE, name="far", site="mid")),
        origins=(OWN,),
        routes=(
            Route("/films"),
            Route("/p/", ("http://a",)),
            Route("/t/", ("http://a",), tiers=True),
        ),
    )


def test_peers_and_shields_stand_before_the_origins_under_the_prefix_of_the_route() -> None:
    films, pulled, tiered = upstreams_of(NODE, a_site(), lambda: 0.0)
    endpoints = [pool.endpoint for pool in films.pools]
    assert [each.node for each in endpoints] == ["edge-2", "shield", ""]
    assert [each.base_path for each in endpoints] == [b"/films", b"/films", b"/v1/content/"]
    assert [each.authority for each in endpoints[:2]] == [b"e2", b"s:1"]
    assert [pool.endpoint.node for pool in pulled.pools] == [""]
    assert [pool.endpoint.node for pool in tiered.pools] == ["edge-2", "shield", ""]


def test_a_shield_and_an_edge_of_a_site_without_peers_stand_alone() -> None:
    topology = a_site()
    shield, far = topology.edges[2:]
    assert tiers_of(shield, topology).inner == ()
    assert tiers_of(shield, topology).is_shield
    assert tiers_of(far, topology).inner == ()
    assert tiers_of(far, Topology()).inner == ()
