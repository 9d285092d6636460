"""IPv4 and IPv6 apart: one fleet and one chooser for each kind of viewer.

An edge can be reachable by one family of addresses and not by the other, so each is believed for
itself. Where no edge names its addresses there is nothing to tell apart, and both kinds of viewers
share one fleet. Pure: probes, views and the time come in from `app`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from cdnkit import wire
from config.topology import EdgeNode, RouterSettings, Topology
from geo_router.agreement import Council
from geo_router.choose import Chooser, Decision, Pick, Resort, Rung, edge_url
from geo_router.fleet import Fleet, Limits, Observation, State
from geo_router.place import Place
from geo_router.prefixes import IPAddress

BOTH: Final = (4, 6)


@dataclass(frozen=True, slots=True)
class Families:
    """What is believed and decided, by the family of the viewer's address."""

    fleets: dict[int, Fleet]
    choosers: dict[int, Chooser]
    councils: dict[int, Council]
    resorts: Fleet
    """What is believed of those who serve when no edge can."""

    @property
    def are_apart(self) -> bool:
        """Whether there is anything to tell apart."""
        return self.fleets[4] is not self.fleets[6]

    @property
    def is_polled(self) -> bool:
        """Whether every edge was looked at once."""
        return self.fleets[4].is_polled and self.fleets[6].is_polled

    @property
    def is_in_doubt(self) -> bool:
        """Whether an edge is failing here and nobody has agreed yet."""
        return any(fleet.is_in_doubt for fleet in self._distinct())

    @property
    def changed_at(self) -> float:
        """When an answer could last have changed."""
        return max(fleet.changed_at for fleet in self.fleets.values())

    @property
    def epoch(self) -> tuple[int, int]:
        """Changes whenever an answer could have changed other than with demand."""
        return self.choosers[4].current_epoch(), self.choosers[6].current_epoch()

    def chooser(self, address: IPAddress | None) -> Chooser:
        """The chooser for a viewer's address."""
        return self.choosers[4 if address is None else address.version]

    def choose(self, address: IPAddress | None, place: Place, key: str, limit: int = 1) -> Decision:
        """The best edges for a viewer; IPv6 viewers fall back to edges that have IPv4 alone."""
        decision = self.chooser(address).choose(place, key, limit)
        if decision.rung is Rung.NONE and self.are_apart:
            return self._other(address).choose(place, key, limit)
        return decision

    def explain(self, address: IPAddress | None, place: Place, key: str) -> Decision:
        """The same with everything that went into it."""
        decision = self.chooser(address).explain(place, key)
        if decision.rung is Rung.NONE and self.are_apart:
            return self._other(address).explain(place, key)
        return decision

    def pick(self, address: IPAddress | None, place: Place, key: bytes) -> Pick | None:
        """The best edge alone."""
        chooser = self.chooser(address)
        pick = chooser.pick(chooser.order(place), key)
        if pick is None and self.are_apart:
            chooser = self._other(address)
            return chooser.pick(chooser.order(place), key)
        return pick

    def count(self, address: IPAddress | None, site: str, key: bytes, edge: str) -> None:
        """A viewer was sent to an edge."""
        self.chooser(address).count(site, key, edge)

    def observe(
        self, edge: str, families: Collection[int], seen: Observation, now: float
    ) -> tuple[list[Fleet], bool]:
        """Take in one look. The fleets it changed, and whether the edge is in doubt now.

        A last resort is looked at for no family in particular.
        """
        changed, doubtful = [], False
        if not families and edge in self.resorts:
            changed = [self.resorts] if self.resorts.observe(edge, seen, now) else []
            return changed, self.resorts[edge].state is State.SUSPECT
        for family in families:
            fleet = self.fleets[family]
            if family == 6 and not self.are_apart:
                continue
            if edge in fleet:
                if fleet.observe(edge, seen, now):
                    changed.append(fleet)
                doubtful |= fleet[edge].state is State.SUSPECT
        return changed, doubtful

    def reconsider(self, now: float) -> list[tuple[str, Fleet]]:
        """Judge again what is in doubt, after others were heard; what changed where."""
        return [(edge, fleet) for fleet in self._distinct() for edge in fleet.reconsider(now)]

    def tick(self, now: float) -> None:
        """Let time pass."""
        for chooser in {id(chooser): chooser for chooser in self.choosers.values()}.values():
            chooser.tick(now)

    def _other(self, address: IPAddress | None) -> Chooser:
        return self.choosers[4 if address is not None and address.version == 6 else 6]

    def _distinct(self) -> list[Fleet]:
        return [self.fleets[4], self.fleets[6]] if self.are_apart else [self.fleets[4]]


def build_families(
    topology: Topology, settings: RouterSettings, now: float, before: Families | None = None
) -> Families:
    """Fleets and choosers of a topology. Raises ValueError for an address that is none.

    `before` is what they take the place of: what was believed of an edge that is reached as it was
    stays believed.
    """
    limits = Limits(settings.down_after, settings.up_after, settings.agree, settings.hold_seconds)
    councils = before.councils if before is not None else {family: Council() for family in BOTH}
    apart = any(edge.addresses for edge in topology.open_edges())
    fleets: dict[int, Fleet] = {}
    choosers: dict[int, Chooser] = {}
    resorts = last_resorts(topology, settings)
    names = [resort.name for resort in resorts]
    alone = dataclasses.replace(limits, agree=1)
    resort_fleet = Fleet(
        names, alone, now, before=before.resorts if before is not None else None, kept=names
    )
    for family in BOTH if apart else (4,):
        edges = [edge for edge in topology.open_edges() if family in families_of(edge)]
        fleets[family] = Fleet(
            (edge.name for edge in edges),
            limits,
            now,
            councils[family].opinion,
            before=before.fleets[family] if before is not None else None,
            kept=_unmoved(edges, before, family),
        )
        choosers[family] = Chooser(
            topology.sites,
            edges,
            fleets[family],
            resorts=resorts,
            resort_fleet=resort_fleet,
            slow_start_seconds=settings.slow_start_seconds,
            now=now,
        )
    fleets.setdefault(6, fleets[4])
    choosers.setdefault(6, choosers[4])
    return Families(fleets, choosers, councils, resort_fleet)


def _unmoved(edges: Iterable[EdgeNode], before: Families | None, family: int) -> list[str]:
    """Edges that are reached as they were before."""
    if before is None:
        return []
    known = {edge.name: edge for edge in before.choosers[family].edges()}
    return [
        edge.name
        for edge in edges
        if edge.name in known
        and edge_url(known[edge.name]) == edge_url(edge)
        and known[edge.name].addresses == edge.addresses
    ]


def families_of(edge: EdgeNode) -> frozenset[int]:
    """Which viewers can reach an edge; both where its addresses are not named."""
    if not edge.addresses:
        return frozenset(BOTH)
    return frozenset(ip_address(address).version for address in edge.addresses)


def last_resorts(topology: Topology, settings: RouterSettings) -> list[Resort]:
    """Who serves when no edge can, in order."""
    shields = [Resort(url, url.rstrip("/"), Rung.SHIELD) for url in settings.shields]
    origins = topology.origins if settings.origin_fallback else ()
    content = wire.CONTENT_PREFIX.rstrip("/")
    bases = [(o.name, (o.url or f"http://{o.listen}").rstrip("/")) for o in origins]
    return shields + [Resort(name, base + content, Rung.ORIGIN, base) for name, base in bases]
