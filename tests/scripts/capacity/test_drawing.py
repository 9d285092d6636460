"""Claims about the picture."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from scripts.capacity.cache import Cache
from scripts.capacity.drawing import draw
from scripts.capacity.places import planned
from scripts.capacity.reckoning import Capacity, sweep
from tests.scripts.capacity.made import SERVER, made

_SVG = "{http://www.w3.org/2000/svg}"


def swept() -> list[Capacity]:
    demand = made()
    return sweep(demand, planned(demand), SERVER, Cache(demand.catalogue, "lru"), (0.1, 0.3, 1.0))


def points_of(text: str) -> list[list[tuple[float, float]]]:
    lines = ElementTree.fromstring(text).findall(f"{_SVG}polyline")
    pairs = [line.attrib["points"].split() for line in lines]
    return [[(float(x), float(y)) for x, y in (p.split(",") for p in each)] for each in pairs]


def test_cost_is_drawn_over_hit_ratio_whole_and_in_parts() -> None:
    points = swept()
    total, own, bought = points_of(draw(points, "a <title> & more"))
    assert [len(line) for line in (total, own, bought)] == [3, 3, 3]
    assert [x for x, _ in total] == sorted(x for x, _ in total)
    bottom = 450.0
    for whole, one, other in zip(total, own, bought, strict=True):
        assert abs((bottom - whole[1]) - (bottom - one[1]) - (bottom - other[1])) < 0.3


def test_the_cheapest_is_marked() -> None:
    points = swept()
    circle = ElementTree.fromstring(draw(points, "t")).find(f"{_SVG}circle")
    best = min(range(3), key=lambda place: points[place].cost.total)
    assert circle is not None
    assert float(circle.attrib["cx"]) == points_of(draw(points, "t"))[0][best][0]


def test_points_that_are_all_alike_are_drawn() -> None:
    (point, *_) = swept()
    free = replace(point.cost, servers=0, disks=0, links=0, origin=0)
    assert len(points_of(draw([replace(point, cost=free)] * 2, "t"))) == 3
