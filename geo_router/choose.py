"""Which edges a viewer is sent to, best first, and why.

Sites in the order of `atlas`, inside a site the order of `spread`, over the edges that `fleet`
believes in; when those run out, down a ladder of lesser choices until nothing is left. Redirects,
ranked lists and explanations all come out of the one walk below. Pure: no chance, no I/O, and of
time only what `tick` says.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from cdnkit.placement import Node
from config.topology import EdgeNode, Site
from geo_router.atlas import Atlas, Order
from geo_router.demand import Demand
from geo_router.fleet import OVERLOADED_UNTIL, SERVING, Fleet, Health, State
from geo_router.place import Place
from geo_router.spread import Pool, lead, order, owners


class Rung(enum.Enum):
    """Steps of the fail-open ladder, best first; `NONE` when nobody can serve."""

    HEALTHY_IN_SITE = "healthy-in-site"
    OVERLOADED_IN_SITE = "overloaded-in-site"
    FALLBACK_SITE = "fallback-site"
    NEAREST_HEALTHY = "nearest-healthy"
    OVERLOADED_ELSEWHERE = "overloaded-elsewhere"
    RECOVERING = "recovering"
    SLOW = "slow"
    SHIELD = "shield"
    ORIGIN = "origin"
    NONE = "none"


_WHY = {
    Rung.HEALTHY_IN_SITE: "home site of the viewer",
    Rung.OVERLOADED_IN_SITE: "overloaded, but in the home site of the viewer",
    Rung.FALLBACK_SITE: "in the fallback list of the home site",
    Rung.NEAREST_HEALTHY: "next site by distance",
    Rung.OVERLOADED_ELSEWHERE: "no edge below its capacity is left anywhere",
    Rung.RECOVERING: "no healthy edge is left; this one has begun to answer again",
    Rung.SLOW: "no edge answers in time; this one may only be slow",
    Rung.SHIELD: "no edge can serve; a shield may",
    Rung.ORIGIN: "neither edge nor shield can serve; the origin is allowed to",
}


class Candidate(NamedTuple):
    """An edge that may be named, with the rung it stands on and the reasons for it.

    A named tuple, as `Decision` is: one of each is made for every choice, and as frozen dataclasses
    the two took as long as the choice (benchmark R2).
    """

    edge: str
    url: str
    site: str
    distance_km: float | None
    rung: Rung
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An edge that may not be named, and why."""

    edge: str
    site: str
    reason: str


class Decision(NamedTuple):
    """The answer for one place and path; `passed_over` is filled for explanations only."""

    place: Place
    key: str
    candidates: tuple[Candidate, ...]
    passed_over: tuple[PassedOver, ...] = ()

    @property
    def rung(self) -> Rung:
        """The rung of the best candidate."""
        return self.candidates[0].rung if self.candidates else Rung.NONE


@dataclass(frozen=True, slots=True)
class Resort:
    """Somebody who is no edge and serves when no edge can."""

    name: str
    url: str
    rung: Rung
    probed_url: str = ""
    """Where it says whether it is ready, when that is not below `url`."""


@dataclass(frozen=True, slots=True, eq=False)
class Pick:
    """The best edge alone: what a redirect needs. Told apart by identity, which is quick to hash:
    one of the home site stays the same while its edge does."""

    edge: str
    url: str
    site: str
    rung: Rung
    index: int = -1
    """The number of the site in orders; none for last resorts."""


@dataclass(frozen=True, slots=True)
class _Pools:
    """The edges of one site by what they are good for, as of one version of the fleet."""

    healthy: Pool
    overloaded: Pool
    recovering: Pool
    slow: Pool


_CLOSED: Final = frozenset({State.DOWN, State.DRAINING})
"""States in which a last resort is not worth naming; one that was not looked at yet is."""

_POOL_NAMES: Final = ("healthy", "overloaded", "recovering", "slow")
_WARMTH_MIN: Final = 0.05
"""Share that an edge is given in the first moment of its slow start."""


def edge_url(edge: EdgeNode) -> str:
    """How players reach an edge, without a slash at the end."""
    return (edge.url or f"http://{edge.listen}").rstrip("/")


def _strain(health: Health) -> str:
    if health.load is not None and health.load >= OVERLOADED_UNTIL:
        return f"load {health.load:.2f}"
    return f"{health.failing or 0:.0%} of its answers fail"


class Chooser:
    """Decides for one topology over one live fleet."""

    def __init__(
        self,
        sites: Sequence[Site],
        edges: Sequence[EdgeNode],
        fleet: Fleet,
        *,
        resorts: Sequence[Resort] = (),
        resort_fleet: Fleet | None = None,
        slow_start_seconds: float = 0.0,
        now: float = 0.0,
    ) -> None:
        """`resort_fleet` is what is believed of `resorts`; without it they are always named."""
        self.fleet = fleet
        self._resort_fleet = resort_fleet
        self.epoch = 0
        """Changes with everything but demand that an answer depends on."""
        self._edges = {edge.name: edge for edge in edges}
        self._urls = {edge.name: edge_url(edge) for edge in edges}
        self._atlas = Atlas(sites, {edge.site for edge in edges})
        members: dict[str, list[EdgeNode]] = {name: [] for name in self._atlas.names}
        for edge in edges:
            if edge.weight > 0:
                members[edge.site].append(edge)
        self._members = tuple(tuple(members[name]) for name in self._atlas.names)
        self._resorts = tuple(resorts)
        self._slow_start_seconds = slow_start_seconds
        self._now = now
        self._demand = Demand(now)
        self._version = fleet.version
        self._pools: dict[int, _Pools] = {}
        self._home_picks: dict[str, Pick] = {}
        self._home_reasons: dict[str, tuple[str, ...]] = {}
        """Of healthy edges and titles that are not hot; as of one version of the fleet."""

    def edge(self, name: str) -> EdgeNode:
        """The record of an edge."""
        return self._edges[name]

    def edges(self) -> Iterable[EdgeNode]:
        """The records of all edges."""
        return self._edges.values()

    def url(self, name: str) -> str:
        """How players reach an edge."""
        return self._urls[name]

    def tick(self, now: float) -> None:
        """Let time pass: demand fades, edges that came back take more."""
        before, self._now = self._now, now
        self._demand.advance(now)
        warmed_at = self.fleet.warmed_at
        # What was true a moment ago decides: a tick may come late, and pools must not stay cool.
        if warmed_at is not None and before - warmed_at < self._slow_start_seconds:
            self._forget()

    def current_epoch(self) -> int:
        """The epoch, after what the fleet has seen since."""
        if self._version != self.fleet.version:
            self._forget()
        return self.epoch

    def count(self, site: str, key: bytes, edge: str) -> None:
        """A viewer was sent to an edge; what follows of it shows in later answers."""
        if site:
            self._demand.count(self._atlas.index(site), key, edge)

    def busiest(self, most: int) -> list[tuple[bytes, float]]:
        """The object keys that viewers were sent for most, with how often a second."""
        return self._demand.busiest(most)

    def order(self, place: Place) -> Order:
        """In which order sites are tried for a place; kept by those who ask often."""
        return self._atlas.order(place)

    def pick(self, order: Order, key: bytes) -> Pick | None:
        """The best edge for an object key, the same that `choose` names first."""
        home = self._home_pick(order, key)
        if home is not None:
            return home
        for site, node, rung in self._steps(order, key):
            return self._as_pick(site, node, rung)
        resort = next(self._open_resorts(), None)
        return None if resort is None else Pick(resort.name, resort.url, "", resort.rung)

    def take(self, order: Order, key: bytes) -> Pick | None:
        """`pick`, counted as a viewer who went there."""
        pick = self._home_pick(order, key) or self.pick(order, key)
        if pick is not None and pick.index >= 0:
            self._demand.count(pick.index, key, pick.edge)
        return pick

    def choose(self, place: Place, key: str, limit: int = 1) -> Decision:
        """The best `limit` edges for an object key."""
        hashed = key.encode()
        if limit == 1:
            order = self._atlas.order(place)
            pick = self._home_pick(order, hashed)
            if pick is not None:
                return Decision(place, key, (self._at_home(order, pick, hashed),))
        return Decision(place, key, tuple(islice(self._walk(place, hashed), limit)))

    def explain(self, place: Place, key: str) -> Decision:
        """The same decision with every edge in it, either as a candidate or passed over."""
        sites = self._atlas.order(place).sites
        candidates = tuple(self._walk(place, key.encode()))
        named = {candidate.edge for candidate in candidates}
        passed_over = tuple(
            PassedOver(edge.name, edge.site, self._objection(edge, sites, place))
            for edge in self._edges.values()
            if edge.name not in named
        ) + tuple(
            PassedOver(resort.name, "", self._resort_state(resort))
            for resort in self._resorts
            if resort.name not in named
        )
        return Decision(place, key, candidates, passed_over)

    def _home_pick(self, order: Order, key: bytes) -> Pick | None:
        """What nearly every viewer gets: an edge of the home site, with nothing against it."""
        if self._version != self.fleet.version:
            self._forget()
        if not order.sites:
            return None
        site = order.sites[0]
        pool = (self._pools.get(site) or self._pool(site)).healthy
        if not pool.nodes:
            return None
        counts = self._demand.site(site)
        node = lead(pool, key, counts, self._demand)
        if pool.capacities and pool.is_full(node, counts, self._demand):
            return None
        pick = self._home_picks.get(node.name)
        if pick is None:
            pick = self._as_pick(site, node, Rung.HEALTHY_IN_SITE)
            self._home_picks[node.name] = pick
        return pick

    def _at_home(self, order: Order, pick: Pick, key: bytes) -> Candidate:
        """The first candidate of the walk, when it is a pick of the home site."""
        is_counted = key in self._demand.site(pick.index).by_key
        owned = self._owners(pick.index, key) if is_counted else ""
        reasons = self._home_reasons.get(pick.edge) if not owned else None
        if reasons is None:
            reasons = self._reasons(pick.rung, 1, pick.site, owned, pick.edge)
            if not owned:
                self._home_reasons[pick.edge] = reasons
        return Candidate(pick.edge, pick.url, pick.site, order.home_km, pick.rung, reasons)

    def _walk(self, place: Place, key: bytes) -> Iterator[Candidate]:
        if self._version != self.fleet.version:
            self._forget()
        order = self._atlas.order(place)
        # A site's edges of one rung follow one another, so their number starts anew with each.
        stood: tuple[int, Rung] = (-1, Rung.NONE)
        position, owned, distance_km = 0, "", 0.0
        for site, node, rung in self._steps(order, key):
            if (site, rung) != stood:
                stood, position, owned = (site, rung), 0, self._owners(site, key)
                distance_km = self._atlas.distance_km(order, site)
            position += 1
            name = self._atlas.names[site]
            reasons = self._reasons(rung, position, name, owned, node.name)
            yield Candidate(node.name, self._urls[node.name], name, distance_km, rung, reasons)
        for resort in self._open_resorts():
            why = (_WHY[resort.rung], self._resort_state(resort))
            yield Candidate(resort.name, resort.url, "", None, resort.rung, why)

    def _steps(self, where: Order, key: bytes) -> Iterator[tuple[int, Node, Rung]]:
        if not where.sites:
            return
        home, others = where.sites[0], where.sites[1:]
        fallbacks, rest = others[: where.fallbacks], others[where.fallbacks :]
        yield from self._with_room(home, Rung.HEALTHY_IN_SITE, key)
        yield from self._without_room(home, Rung.OVERLOADED_IN_SITE, key)
        for sites, rung in ((fallbacks, Rung.FALLBACK_SITE), (rest, Rung.NEAREST_HEALTHY)):
            for site in sites:
                yield from self._with_room(site, rung, key)
        for site in others:
            yield from self._without_room(site, Rung.OVERLOADED_ELSEWHERE, key)
        for site in where.sites:
            for node in self._ordered(site, self._pool(site).recovering, key):
                yield site, node, Rung.RECOVERING
        for site in where.sites:
            for node in self._ordered(site, self._pool(site).slow, key):
                yield site, node, Rung.SLOW

    def _open_resorts(self) -> Iterator[Resort]:
        fleet = self._resort_fleet
        for resort in self._resorts:
            if fleet is None or fleet[resort.name].state not in _CLOSED:
                yield resort

    def _resort_state(self, resort: Resort) -> str:
        if self._resort_fleet is None:
            return "nobody looks at it"
        health = self._resort_fleet[resort.name]
        return f"{health.state.value}: {health.reason}"

    def _ordered(self, site: int, pool: Pool, key: bytes) -> list[Node]:
        return order(pool, key, self._demand.site(site), self._demand)

    def _with_room(self, site: int, rung: Rung, key: bytes) -> Iterator[tuple[int, Node, Rung]]:
        pool, counts = self._pool(site).healthy, self._demand.site(site)
        for node in self._ordered(site, pool, key):
            if not pool.is_full(node, counts, self._demand):
                yield site, node, rung

    def _without_room(self, site: int, rung: Rung, key: bytes) -> Iterator[tuple[int, Node, Rung]]:
        pools, counts = self._pool(site), self._demand.site(site)
        for node in self._ordered(site, pools.healthy, key):
            if pools.healthy.is_full(node, counts, self._demand):
                yield site, node, rung
        for node in self._ordered(site, pools.overloaded, key):
            yield site, node, rung

    def _as_pick(self, site: int, node: Node, rung: Rung) -> Pick:
        return Pick(node.name, self._urls[node.name], self._atlas.names[site], rung, site)

    def _reasons(
        self, rung: Rung, position: int, site: str, owned: str, edge: str
    ) -> tuple[str, ...]:
        place = f"place {position} in {site} for this path{owned}"
        return (_WHY[rung], place, self._state(edge))

    def _owners(self, site: int, key: bytes) -> str:
        many = owners(key, len(self._members[site]), self._demand.site(site), self._demand)
        return f", which is hot and has {many} owners" if many > 1 else ""

    def _state(self, name: str) -> str:
        health = self.fleet[name]
        share = self._warmth(health)
        full = f", overloaded ({_strain(health)})" if health.overloaded else ""
        warming = f", warming up at {share:.0%}" if share < 1 else ""
        return health.state.value + full + warming

    def _forget(self) -> None:
        self._version = self.fleet.version
        self.epoch += 1
        self._pools = {}
        self._home_reasons = {}

    def _pool(self, site: int) -> _Pools:
        pools = self._pools.get(site)
        if pools is None:
            pools = self._pools[site] = self._sort_into_pools(site)
        return pools

    def _sort_into_pools(self, site: int) -> _Pools:
        sorted_nodes: dict[str, list[Node]] = {name: [] for name in _POOL_NAMES}
        for edge in self._members[site]:
            health = self.fleet[edge.name]
            node = Node(edge.name, edge.weight * self._warmth(health))
            if health.state in SERVING:
                sorted_nodes["overloaded" if health.overloaded else "healthy"].append(node)
            elif health.state in (State.RECOVERING, State.SLOW):
                sorted_nodes[health.state.value].append(node)
        capacities = {
            edge.name: edge.capacity_per_second
            for edge in self._members[site]
            if edge.capacity_per_second > 0
        }
        return _Pools(*(Pool(tuple(sorted_nodes[name]), capacities) for name in _POOL_NAMES))

    def _warmth(self, health: Health) -> float:
        if health.warming_since is None or self._slow_start_seconds <= 0:
            return 1.0
        elapsed = (self._now - health.warming_since) / self._slow_start_seconds
        return min(1.0, max(_WARMTH_MIN, elapsed))

    def _objection(self, edge: EdgeNode, sites: Sequence[int], place: Place) -> str:
        health: Health = self.fleet[edge.name]
        if edge.weight <= 0:
            return "its weight is 0"
        if self._atlas.index(edge.site) not in sites:
            return f"its site does not serve viewers from {place.country or 'an unknown country'}"
        return f"{health.state.value}: {health.reason}"
