"""Which edge will be asked for how much of which film. Pure.

A region's viewers go to the sites that name it, as a country or as their region; a region that no
site names is shared by all sites that take its viewers, in the ratio of their weights. Inside a
site each film belongs to one edge, the same that routers send its viewers to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cdnkit.placement import Contest, Node
from config.topology import EdgeNode, Site, Topology
from origin.placement.planner import Demand
from origin.placement.stock import Stock


@dataclass(frozen=True, slots=True)
class Views:
    """Films' worth of watching of one title that a region does in a day."""

    region: str
    title: str
    a_day: float


def expected(topology: Topology, stock: Sequence[Stock], views: Iterable[Views]) -> Demand:
    """Bytes a day by edge and film; titles that are not stored are passed over."""
    by_title = {each.title: each for each in stock}
    placed = [_Placed(site, edges) for site, edges in _inhabited(topology)]
    shares: dict[str, Mapping[int, float]] = {}
    found: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for each in views:
        film = by_title.get(each.title)
        if film is None:
            continue
        if each.region not in shares:
            shares[each.region] = _shares(placed, each.region)
        for number, share in shares[each.region].items():
            edge = placed[number].owner(film)
            found[edge][film.title] += each.a_day * share * film.size_bytes
    return {edge: dict(films) for edge, films in found.items()}


class _Placed:
    """A site and its edges."""

    def __init__(self, site: Site, edges: Sequence[EdgeNode]) -> None:
        self.site = site
        self.weight = sum(edge.weight for edge in edges)
        self._contest = Contest(Node(edge.name, edge.weight) for edge in edges)

    def owner(self, film: Stock) -> str:
        """The edge that its viewers come to."""
        return self._contest.winner(film.entry.encode()).name

    def names(self, region: str) -> bool:
        """Whether it is there for a region above all."""
        return bool(region) and (region in self.site.countries or region == self.site.region)

    def takes(self, region: str) -> bool:
        """Whether viewers from there may be served from here."""
        return not self.site.countries or region in self.site.countries


def _inhabited(topology: Topology) -> Iterator[tuple[Site, list[EdgeNode]]]:
    for site in topology.sites:
        edges = [e for e in topology.open_edges() if e.site == site.name and e.weight > 0]
        if edges:
            yield site, edges


def _shares(placed: Sequence[_Placed], region: str) -> Mapping[int, float]:
    chosen = [number for number, each in enumerate(placed) if each.names(region)]
    chosen = chosen or [number for number, each in enumerate(placed) if each.takes(region)]
    total = sum(placed[number].weight for number in chosen)
    return {number: placed[number].weight / total for number in chosen}
