"""The order of sites for a place."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from config.topology import Site
from geo_router.atlas import Atlas
from geo_router.place import Place, Source
from tests.geo_router.test_place import haversine_km
from tests.geo_router.worlds import SITES

_points = st.tuples(st.floats(-85, 85), st.floats(-180, 180))
ALL = {site.name for site in SITES}


def names(atlas: Atlas, place: Place) -> list[str]:
    return [atlas.names[i] for i in atlas.order(place).sites]


def at(latitude: float, longitude: float) -> Place:
    return Place(Source.DATABASE, coordinates=(latitude, longitude))


def test_home_then_its_fallbacks_then_the_others_by_distance() -> None:
    atlas = Atlas(SITES, ALL)
    assert names(atlas, at(48.1, 11.6)) == ["fra", "nyc", "ams", "sgp"]
    assert names(atlas, at(52.0, 4.0)) == ["ams", "fra", "nyc", "sgp"]


def test_a_named_site_is_home_wherever_the_viewer_is() -> None:
    order = Atlas(SITES, ALL).order(Place(Source.PREFIX, site="sgp"))
    assert order.sites[0] == 3
    assert order.fallbacks == 0
    assert order.home_km == 0.0


def test_a_site_without_edges_is_nobodys_nearest_but_may_be_named_home() -> None:
    atlas = Atlas(SITES, {"ams", "sgp"})
    assert names(atlas, at(50.1, 8.7)) == ["ams", "sgp"]
    assert names(atlas, Place(Source.PREFIX, site="fra")) == ["fra", "nyc", "ams", "sgp"]


def test_a_place_that_says_nothing_usable_is_put_at_the_first_site_with_edges() -> None:
    assert names(Atlas(SITES, {"ams"}), Place(Source.DEFAULT, site="gone")) == ["ams"]
    assert names(Atlas(SITES, set()), Place(Source.DEFAULT)) == []
    assert names(Atlas(SITES, set()), at(0, 0)) == []


@given(st.lists(_points, min_size=1, max_size=30, unique=True), _points)
def test_sites_come_by_great_circle_distance(
    points: list[tuple[float, float]], viewer: tuple[float, float]
) -> None:
    sites = [Site(str(i), *point) for i, point in enumerate(points)]
    atlas = Atlas(sites, {site.name for site in sites})
    distances = [haversine_km(viewer, points[i]) for i in atlas.order(at(*viewer)).sites]
    # Equal up to a metre is a tie; the formulas round differently.
    assert all(a <= b + 0.001 for a, b in pairwise(distances))
    assert len(distances) == len(points)


def test_an_order_is_computed_once() -> None:
    atlas = Atlas(SITES, ALL)
    assert atlas.order(at(48.1, 11.6)) is atlas.order(at(48.1, 11.6))


def test_the_orders_kept_are_bounded() -> None:
    atlas = Atlas(SITES[:1], ALL)
    first = atlas.order(at(0, 0))
    for i in range(8200):
        atlas.order(at(0, 1 + i / 100))
    assert atlas.order(at(0, 0)) is not first
    assert "fra" in atlas
    assert "nowhere" not in atlas
