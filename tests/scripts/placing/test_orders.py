"""A placement becomes orders, in an order that leaves pinned what is placed."""

from __future__ import annotations

from dataclasses import replace

from cdnkit.wire import PIN_PATH, UNPIN_PATH, WARM_PATH
from origin.orders.asked import parse_pin, parse_warm
from origin.placement.document import EdgeRow, film_row
from origin.placement.planner import Placed, Reason
from scripts.placing.orders import OBJECTS_MAX, orders_of
from tests.origin.placement.worlds import GB, film

HALF = film_row(Placed("a", 5 * GB, GB, 7, Reason.WANTED), film("a"))
GONE = film_row(Placed("b", 0, GB, 0, Reason.DISPLACED), film("b"))
ROW = EdgeRow("e", 10.0, 20.0, 1_000, 9, 8, 1.0, (HALF, GONE), ("play/b/video.mp4",))


def test_what_goes_is_unpinned_before_what_stays_is_pinned_and_fetched() -> None:
    unpin, pin, warm = orders_of(ROW)
    assert (unpin.path, pin.path, warm.path) == (UNPIN_PATH, PIN_PATH, WARM_PATH)
    assert parse_pin(unpin.body).things.objects == ("play/b/video.mp4",)
    asked = parse_warm(warm.body)
    assert parse_pin(pin.body).parts == asked.parts
    assert [key for key, _ in asked.parts] == ["play/a/index.m3u8", "play/a/video.mp4"]
    assert (asked.from_at, asked.until_at, asked.bytes_per_second) == (10.0, 20.0, 1_000)
    assert {asked.where.edges, parse_pin(unpin.body).where.edges} == {("e",)}


def test_long_lists_are_several_orders_at_one_pace() -> None:
    films = [
        film_row(Placed(name, GB, 0, 7, Reason.WANTED), film(name))
        for name in (f"f{number}" for number in range(OBJECTS_MAX))
    ]
    orders = orders_of(replace(ROW, films=tuple(films), released=()))
    warms = [parse_warm(order.body) for order in orders if order.path == WARM_PATH]
    assert [len(each.parts) for each in warms] == [OBJECTS_MAX] * 2
    assert sum(each.bytes_per_second for each in warms) <= 1_000
    assert not [order for order in orders if order.path == UNPIN_PATH]


def test_where_nothing_is_placed_nothing_is_ordered() -> None:
    assert orders_of(replace(ROW, films=(), released=())) == []
