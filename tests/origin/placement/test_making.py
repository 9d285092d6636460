"""From demand and a topology to a placement, and from that to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.filling import Fill
from config.topology import Site
from origin.placement.expectation import Views
from origin.placement.making import Wish, make_placement, piece_bytes
from origin.placement.planner import Reason
from origin.placement.popularity import Popularity
from tests.origin.placement.worlds import GB, MIB, edge_of, film, topology_of

SITES = [Site("fra", 50.0, 15.0, region="EU"), Site("nyc", 40.0, -75.0, region="US")]
FILMS = [film(f"f{number}") for number in range(20)]
FILL = Fill(0.5, 2.0, 3600.0, 10 * MIB, gain=2.0)
POPULARITY = Popularity(
    "snapshot",
    [Views("EU", each.title, 20.0 - number) for number, each in enumerate(FILMS)],
    (1.0,),
)
NOON = 20_000 * 86_400.0 + 12 * 3600


def test_an_edge_has_the_room_pace_and_hours_of_its_settings() -> None:
    topology = topology_of(SITES, edge_of("f", "fra", FILL), edge_of("n", "nyc", Fill(0.0)))
    made = make_placement(topology, FILMS, POPULARITY, None, Wish(), NOON)
    (row,) = made.edges
    assert (row.edge, row.room_bytes, row.gain) == ("f", 50 * GB, 2.0)
    assert row.night_bytes == 3600 * 10 * MIB
    assert (row.from_at, row.until_at) == (NOON + 13 * 3600, NOON + 14 * 3600)
    assert 0 < row.fetched_bytes <= row.night_bytes
    assert row.films[0].film == "f0"
    assert (made.snapshot, made.given_at) == ("snapshot", 0.0)


def test_a_night_may_be_bounded_below_what_the_pace_allows() -> None:
    topology = topology_of(SITES, edge_of("f", "fra", replace(FILL, night_bytes=5 * GB)))
    (row,) = make_placement(topology, FILMS, POPULARITY, None, Wish(), NOON).edges
    assert row.night_bytes == 5 * GB
    (row,) = make_placement(topology, FILMS, POPULARITY, None, Wish(2 * GB), NOON).edges
    assert 0 < row.fetched_bytes <= 2 * GB


def test_the_next_night_goes_on_where_a_given_plan_ended() -> None:
    topology = topology_of(SITES, edge_of("f", "fra", FILL))
    first = make_placement(topology, FILMS, POPULARITY, None, Wish(), NOON)
    again = make_placement(topology, FILMS, POPULARITY, first, Wish(), NOON)
    assert [row.films for row in again.edges] == [row.films for row in first.edges]
    given = replace(first, given_at=NOON)
    (row,) = make_placement(topology, FILMS, POPULARITY, given, Wish(), NOON).edges
    assert sum(each.held_bytes for each in row.films) == first.edges[0].placed_bytes
    assert row.dropped_bytes == 0
    assert row.placed_bytes <= row.room_bytes


def test_what_is_not_there_any_more_goes() -> None:
    topology = topology_of(SITES, edge_of("f", "fra", FILL))
    first = make_placement(topology, FILMS, POPULARITY, None, Wish(), NOON)
    given = replace(first, given_at=NOON)
    (row,) = make_placement(topology, FILMS[1:], POPULARITY, given, Wish(), NOON).edges
    gone = {each.film: each.reason for each in row.films}
    assert gone["f0"] is Reason.GONE
    assert "play/f0/video.mp4" in row.released


@pytest.mark.parametrize(
    ("size", "expected"), [(10, MIB), (2 * GB, 16 * MIB), (10 * GB, 64 * MIB), (500 * GB, 64 * MIB)]
)
def test_a_usual_film_has_many_pieces(size: int, expected: int) -> None:
    assert piece_bytes([film("a", max(size, 1_001))] * 3) == expected


def test_without_films_pieces_have_a_size_too() -> None:
    assert piece_bytes([]) == 64 * MIB
