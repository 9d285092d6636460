"""From a topology's routes to rules and to the upstreams behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from cdnkit.fields import Pair
from cdnkit.placement import Node
from cdnkit.wire import CONTENT_PREFIX
from config.topology import EdgeNode, EdgeSettings, Route, Topology
from edge.profile import policy_from
from edge.routing import PathRule, Routing
from edge.tiers import Tiers
from edge.upstream.endpoint import Endpoint, Trust
from edge.upstream.limits import PoolLimits
from edge.upstream.upstreams import Upstreams


def routing_of(node: EdgeNode, topology: Topology) -> Routing:
    """Which rule answers for which path."""
    return Routing(
        [
            PathRule(
                route.prefix.encode(),
                route.token,
                number,
                policy_from(route.caching or node.settings.caching),
                is_followed=not route.upstream,
            )
            for number, route in enumerate(topology.routes)
        ]
    )


def tiers_of(node: EdgeNode, topology: Topology) -> Tiers:
    """Which other edges this one asks, and is asked by."""
    if node.role == "shield":
        return Tiers(node.name, is_shield=True)
    sites = {site.name: site for site in topology.sites}
    site = sites.get(node.site)
    if site is None:
        return Tiers(node.name)
    near = [edge for edge in topology.open_edges() if site.peers and edge.site == site.name]
    members = tuple(Node(edge.name, edge.weight) for edge in near)
    return Tiers(node.name, members, site.shields)


def upstreams_of(node: EdgeNode, topology: Topology, now: Callable[[], float]) -> list[Upstreams]:
    """The upstreams of each route. Raises AuthorityError."""
    own = [origin.url.rstrip("/") + CONTENT_PREFIX for origin in topology.origins]
    edges = {edge.name: edge for edge in topology.edges}
    inner = [edges[name] for name in tiers_of(node, topology).inner]
    return [
        _upstreams(route, own, node.settings, now, inner, topology.authorities)
        for route in topology.routes
    ]


def first_of(
    node: EdgeNode, topology: Topology
) -> Callable[[int, bytes, Sequence[Pair]], Sequence[int]]:
    """For the number of a route, a target and a request's fields: which edges to ask first."""
    tiers = tiers_of(node, topology)
    tiered = [_is_tiered(route) for route in topology.routes]

    def first(number: int, target: bytes, pairs: Sequence[Pair]) -> Sequence[int]:
        return tiers.first(target, pairs) if tiered[number] else ()

    return first


def _is_tiered(route: Route) -> bool:
    return route.tiers or not route.upstream


def limits_of(settings: EdgeSettings) -> PoolLimits:
    """What one upstream may cost."""
    return PoolLimits(
        connections_max=settings.upstream_connections_max,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        tls_timeout_seconds=settings.tls_timeout_seconds,
        first_byte_timeout_seconds=settings.first_byte_timeout_seconds,
        read_timeout_seconds=settings.read_timeout_seconds,
        wait_timeout_seconds=settings.read_timeout_seconds,
    )


def _upstreams(
    route: Route,
    own: list[str],
    settings: EdgeSettings,
    now: Callable[[], float],
    inner: Sequence[EdgeNode],
    authorities: str,
) -> Upstreams:
    policy = policy_from(route.caching or settings.caching)
    limits = replace(limits_of(settings), unknown_codings=policy.unknown_transfer_codings)
    urls = route.upstream or own
    asked = [_endpoint(edge, route) for edge in inner] if _is_tiered(route) else []
    trust = inner_trust = None
    if any(url.startswith("https:") for url in urls):
        of_ours = "" if route.upstream else authorities
        trust = Trust.of(route.upstream_tls.ca or of_ours, route.upstream_tls.name)
    if any(endpoint.tls for endpoint in asked):
        inner_trust = Trust.of(authorities, "")
    return Upstreams(urls, limits, now, trust, asked, inner_trust)


def _endpoint(edge: EdgeNode, route: Route) -> Endpoint:
    """Where another edge has a route: under the same prefix."""
    url = edge.peer_url or edge.url or f"http://{edge.listen}"
    return replace(Endpoint.from_url(url), base_path=route.prefix.encode(), node=edge.name)
