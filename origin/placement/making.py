"""From demand, a topology and what is stored to the next placement. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from config.filling import Fill
from config.topology import EdgeNode, Topology
from origin.placement.document import Document, EdgeRow, FilmRow, film_row, held_of, released_by
from origin.placement.expectation import expected
from origin.placement.hours import next_quiet
from origin.placement.planner import Film, Spot, Terms, plan
from origin.placement.popularity import Popularity
from origin.placement.stock import Stock

_PIECE_BYTES: Final = (1 << 20, 64 << 20)
_PIECES_A_FILM: Final = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for besides what the topology says; `night_bytes` is of all edges."""

    night_bytes: int | None = None
    churn_margin: float = 0.25
    worth_min: float = 0.1


def make_placement(
    topology: Topology,
    stock: Sequence[Stock],
    popularity: Popularity,
    before: Document | None,
    wish: Wish,
    now: float,
) -> Document:
    """The next placement; `before` is the last one, which is taken to be carried out."""
    piece = piece_bytes(stock)
    edges = [edge for edge in topology.open_edges() if edge.settings.fill.share > 0]
    spots = {edge.name: _spot(edge) for edge in edges}
    rows = plan(
        [Film(each.title, each.size_bytes) for each in stock],
        list(spots.values()),
        expected(topology, stock, popularity.views),
        held_of(before, stock) if before is not None else {},
        Terms(piece, wish.night_bytes, wish.churn_margin, wish.worth_min, popularity.curve),
    )
    longitudes = {site.name: site.longitude for site in topology.sites}
    by_title = {each.title: each for each in stock}
    made = []
    for edge in edges:
        films = tuple(film_row(each, by_title.get(each.film)) for each in rows[edge.name])
        released = released_by(before, edge.name, films)
        longitude = longitudes[edge.site]
        made.append(_edge_row(edge, spots[edge.name], films, released, longitude, now))
    return Document(now, popularity.snapshot, piece, tuple(made))


def piece_bytes(stock: Sequence[Stock]) -> int:
    """Pieces so small that a usual film has many, and so large that there are few in all."""
    least, most = _PIECE_BYTES
    if not stock:
        return most
    usual = int(median(each.size_bytes for each in stock)) // _PIECES_A_FILM
    return min(max(1 << max(usual, 1).bit_length() - 1, least), most)


def _spot(edge: EdgeNode) -> Spot:
    fill = edge.settings.fill
    room = int(sum(disk.size_bytes for disk in edge.disks) * fill.share)
    return Spot(edge.name, room, _night_bytes(fill), fill.gain)


def _night_bytes(fill: Fill) -> int:
    allowed = int(fill.bytes_per_second * fill.quiet_seconds)
    return min(allowed, fill.night_bytes) if fill.night_bytes else allowed


def _edge_row(
    edge: EdgeNode,
    spot: Spot,
    films: tuple[FilmRow, ...],
    released: tuple[str, ...],
    longitude: float,
    now: float,
) -> EdgeRow:
    fill = edge.settings.fill
    begins, ends = next_quiet(fill.begins_hour, fill.quiet_seconds, longitude, now)
    return EdgeRow(
        edge.name,
        begins,
        ends,
        fill.bytes_per_second,
        spot.room_bytes,
        spot.night_bytes,
        spot.gain,
        films,
        released,
    )
