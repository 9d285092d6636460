from __future__ import annotations

from pathlib import Path

import pytest

from config.complaints import TopologyError
from config.keeping import Costs, ObjectStore, PackagingSettings, Prices
from config.load import load_topology

_COSTS = """\
version: 1
costs:
  currency: USD
  days_kept: 90
  report_seconds: 1m
  traffic_prices: {edge_terabyte: 4.5, origin_terabyte: 20}
sites:
  - {name: fra, latitude: 50, longitude: 8}
  - {name: sao, latitude: -23, longitude: -46, traffic_prices: {%s}}
"""


def test_films_are_packaged_when_asked_for_and_kept_where_the_operator_says() -> None:
    assert not PackagingSettings().automatic
    store = ObjectStore("http://s3.example", "films", "key")
    assert (store.prefix, store.region) == ("extents", "us-east-1")


def test_a_site_may_have_prices_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(_COSTS % "edge_terabyte: 30")
    topology = load_topology(str(tmp_path / "t.yaml"), {})
    common = Prices(edge_terabyte=4.5, origin_terabyte=20)
    assert topology.costs == Costs("USD", 90, 60.0, common)
    assert [site.traffic_prices for site in topology.sites] == [None, Prices(edge_terabyte=30)]


@pytest.mark.parametrize(
    ("prices", "said"), [("edge_terabyte: -1", "edge_terabyte"), ("edge: 1", "unknown")]
)
def test_what_cannot_be_a_price_is_refused_where_it_stands(
    tmp_path: Path, prices: str, said: str
) -> None:
    (tmp_path / "t.yaml").write_text(_COSTS % prices)
    with pytest.raises(TopologyError, match=said) as caught:
        load_topology(str(tmp_path / "t.yaml"), {})
    assert "sites[1].traffic_prices" in str(caught.value)
