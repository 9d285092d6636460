"""What one topology makes of a router, as one record, and the one reference to it.

A reload builds a new record from a file that was checked whole and swaps the reference: everybody
who looks after that sees the new one, nobody sees half of each. What was believed of edges that
are reached as before, and what is open of databases that are named as before, is carried over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from config.topology import Geo, RouterNode, RouterSettings, Topology
from geo_router.choose import edge_url
from geo_router.client_address import TrustedProxies, trust
from geo_router.dns_answer import Answerer
from geo_router.dns_zone import Zone
from geo_router.families import Families, build_families
from geo_router.gate import Gate, gate_of
from geo_router.locate import Locator, geo_of
from geo_router.pacing import Bucket
from geo_router.steering import are_clones


@dataclass(frozen=True, slots=True)
class Realm:
    """All that follows from a topology for one router."""

    node: RouterNode
    topology: Topology
    families: Families
    locator: Locator
    trusted: TrustedProxies
    bucket: Bucket
    gate: Gate
    answerer: Answerer | None
    """None where the topology names no zone."""
    edges_are_clones: bool
    """Whether the URL of any edge becomes that of any other by its host name."""
    router_is_clone: bool
    """Whether the router's own URL does, too."""

    @property
    def settings(self) -> RouterSettings:
        """How this router judges edges."""
        return self.node.settings

    def needs_token(self, target: str) -> bool:
        """Whether edges want a token for a target."""
        return self.gate.needs_token(target)


@dataclass(slots=True)
class Reign:
    """The realm of now; those in `heirs` are told of each new one."""

    realm: Realm
    heirs: list[Callable[[Realm], None]] = field(default_factory=list)

    def adopt(self, realm: Realm) -> None:
        """From now on this one."""
        self.realm = realm
        # Whoever keeps what it looked up keeps it by this number.
        realm.locator.version += 1
        for heir in self.heirs:
            heir(realm)


def build_realm(
    node: RouterNode,
    topology: Topology,
    now: float,
    on_geo_failure: Callable[[str], None],
    before: Realm | None = None,
) -> Realm:
    """The realm of a topology. Raises BadRequestError for one without a site, or bad names."""
    geo = geo_of(topology)
    families = build_families(
        topology, node.settings, now, before.families if before is not None else None
    )
    locator = _locator(geo, topology, on_geo_failure, before)
    edges = [edge_url(edge) for edge in topology.open_edges()]
    return Realm(
        node,
        topology,
        families,
        locator,
        trust(geo.trusted_proxies),
        Bucket(node.settings.steering_per_second_max, now),
        gate_of(topology),
        _answerer(topology, families, locator),
        are_clones(edges),
        are_clones([*edges, node.url or f"http://{node.listen}"]),
    )


def needs_restart(before: Realm, node: RouterNode, topology: Topology) -> list[str]:
    """Settings that a running router cannot change, by name."""
    old, settings = before.node, node.settings
    changes = {
        "listen": old.listen != node.listen,
        "dns": old.dns != node.dns,
        "workers": old.workers != node.workers,
        "tls": old.tls != node.tls,
        "access_log": old.settings.access_log != settings.access_log,
        "authorities": before.topology.authorities != topology.authorities,
        "tracing": before.topology.tracing != topology.tracing,
        "dns.zone": bool(before.topology.dns.zone) != bool(topology.dns.zone),
    }
    return [name for name, changed in changes.items() if changed]


def _locator(
    geo: Geo, topology: Topology, on_failure: Callable[[str], None], before: Realm | None
) -> Locator:
    sites = {site.name for site in topology.sites}
    if before is not None:
        same_sites = sites == {site.name for site in before.topology.sites}
        if same_sites and geo == geo_of(before.topology):
            return before.locator
    version = before.locator.version + 1 if before is not None else 0
    return Locator(geo, on_failure=on_failure, sites=sites, version=version)


def _answerer(topology: Topology, families: Families, locator: Locator) -> Answerer | None:
    if not topology.dns.zone:
        return None
    zone = Zone(topology.dns, topology.open_edges(), families)
    return Answerer(zone, locator.locate_network, lambda: (families.epoch, locator.version))
