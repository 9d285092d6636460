"""Who is asked for what, by where viewers are."""

from __future__ import annotations

import pytest

from cdnkit.placement import Node, rank
from config.topology import EdgeNode, Site
from origin.placement.expectation import Views, expected
from tests.origin.placement.worlds import GB, edge_of, film, topology_of

FRA = Site("fra", 50.0, 8.0, region="EU", countries=("DE", "FR"))
NYC = Site("nyc", 40.0, -74.0)
SIN = Site("sin", 1.0, 103.0)


def shares(*views: Views, edges: tuple[EdgeNode, ...] = ()) -> dict[str, float]:
    """Films a day by edge."""
    edges = edges or (edge_of("f", "fra"), edge_of("n", "nyc"), edge_of("s", "sin", weight=3.0))
    found = expected(topology_of([FRA, NYC, SIN], *edges), [film("a")], views)
    return {edge: films["a"] / (10 * GB) for edge, films in found.items()}


@pytest.mark.parametrize("region", ["DE", "EU"])
def test_a_region_that_a_site_names_is_its_own(region: str) -> None:
    assert shares(Views(region, "a", 2.0)) == {"f": pytest.approx(2.0)}


@pytest.mark.parametrize("region", ["US", ""])
def test_other_regions_are_shared_by_weight_among_sites_that_take_them(region: str) -> None:
    assert shares(Views(region, "a", 2.0)) == {"n": pytest.approx(0.5), "s": pytest.approx(1.5)}


def test_regions_add_up_and_what_is_not_stored_is_passed_over() -> None:
    found = shares(Views("DE", "a", 1.0), Views("FR", "a", 2.0), Views("DE", "gone", 5.0))
    assert found == {"f": pytest.approx(3.0)}


def test_in_a_site_a_film_belongs_to_the_edge_that_routers_send_viewers_to() -> None:
    edges = tuple(edge_of(f"f{number}", "fra") for number in range(5))
    films = [film(f"film-{number}") for number in range(20)]
    views = [Views("DE", each.title, 1.0) for each in films]
    found = expected(topology_of([FRA], *edges), films, views)
    nodes = [Node(edge.name) for edge in edges]
    for each in films:
        owner = rank(each.entry.encode(), nodes)[0].name
        assert [edge for edge, wanted in found.items() if each.title in wanted] == [owner]


def test_where_nobody_takes_a_region_nothing_is_expected() -> None:
    assert shares(Views("US", "a", 1.0), edges=(edge_of("f", "fra"),)) == {}


def test_edges_without_weight_are_asked_for_nothing() -> None:
    edges = (edge_of("f", "fra"), edge_of("idle", "fra", weight=0.0))
    assert shares(Views("DE", "a", 1.0), edges=edges) == {"f": pytest.approx(1.0)}
