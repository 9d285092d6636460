"""Costs are bytes times prices, and the sum over rows is the total."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.wire import Traffic
from config.keeping import Costs, Prices
from config.topology import Address, CacheDisk, EdgeNode, Site, Topology
from origin.catalog.traffic import Summed
from origin.costs.pricing import COMMON, TERABYTE, PriceList, costs_of, price_list, total_of

COMMON_PRICES = Prices(4.0, 2.0, 10.0, 1.0)
DEAR = Prices(30.0)


def an_edge(name: str, site: str) -> EdgeNode:
    return EdgeNode(name, site, Address("127.0.0.1", 1), (CacheDisk("/nowhere"),))


def prices() -> PriceList:
    return price_list(
        Topology(
            sites=(Site("fra", 0, 0), Site("sao", 0, 0, traffic_prices=DEAR)),
            edges=(an_edge("e1", "fra"), an_edge("e2", "sao")),
            costs=Costs("USD", traffic_prices=COMMON_PRICES),
        )
    )


def test_an_edge_has_the_prices_of_its_site_if_that_has_any() -> None:
    assert prices() == PriceList("USD", {COMMON: COMMON_PRICES, "sao": DEAR}, {"e2": "sao"})


@pytest.mark.parametrize(
    ("kind", "cost"),
    [
        (Traffic.EDGE, 4.0),
        (Traffic.SHIELD, 2.0),
        (Traffic.ORIGIN, 10.0),
        (Traffic.FILL_MISS, 1.0),
        (Traffic.FILL_WARM, 1.0),
        (Traffic.FILL_PLACEMENT, 1.0),
    ],
)
def test_each_kind_has_its_price_for_a_terabyte(kind: Traffic, cost: float) -> None:
    (row,) = costs_of([Summed("a", COMMON, kind, TERABYTE)], prices())
    assert row.cost == cost
    assert row.size_bytes[kind] == TERABYTE
    assert sum(row.size_bytes.values()) == TERABYTE


def test_the_dearest_comes_first_then_the_one_with_most_bytes() -> None:
    rows = [
        Summed("small", COMMON, Traffic.EDGE, 10),
        Summed("free", "sao", Traffic.SHIELD, 10**9),
        Summed("also free", "sao", Traffic.ORIGIN, 1),
        Summed("dear", "sao", Traffic.EDGE, 10),
    ]
    assert [row.key for row in costs_of(rows, prices())] == ["dear", "small", "free", "also free"]


@given(
    st.lists(
        st.builds(
            Summed,
            st.text("abc", max_size=1),
            st.sampled_from([COMMON, "sao"]),
            st.sampled_from(list(Traffic)),
            st.integers(1, 1 << 50),
        )
    )
)
def test_rows_add_up_to_the_total(summed: list[Summed]) -> None:
    total = total_of(costs_of(summed, prices()))
    for kind in Traffic:
        expected = sum(each.size_bytes for each in summed if each.kind is kind)
        assert total.size_bytes[kind] == expected
