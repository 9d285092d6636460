"""Claims about the arithmetic of a capacity: the paper's figures, and what has to hold always."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.load import parse_topology
from scripts.capacity.cache import Cache
from scripts.capacity.demand import Catalogue, Demand, Link, Region, Server, demand_example
from scripts.capacity.demand_file import parse_demand
from scripts.capacity.places import planned, standing
from scripts.capacity.reckoning import reckon, sweep
from tests.scripts.capacity.made import SERVER, made, reckoned

GB = 10**9
TB = 10**12


def paper(rate: float, disk_bytes: int = 2 * TB, **said: Any) -> Demand:
    """30 TB/s over 20,000 films of 10 GB at 3 MB/s, in 200 sites."""
    server = Server("s", int(rate * GB), disk_bytes)
    return Demand(30 * TB, (server,), regions=(Region("all", 1.0, 200),), **said)


@pytest.mark.parametrize(
    ("rate", "servers"), [(0.3, 100_000), (1, 30_000), (1.5, 20_000), (2, 15_000), (50, 600)]
)
def test_thirty_terabytes_a_second_take_the_servers_of_the_paper(rate: float, servers: int) -> None:
    capacity = reckoned(paper(rate))
    assert (capacity.servers, capacity.viewers) == (servers, 10_000_000)
    assert sum(site.count for site in capacity.sites) == 200


def test_the_example_has_the_paper_s_servers_side_by_side() -> None:
    demand = parse_demand(demand_example())
    cache = Cache(demand.catalogue, demand.policy)
    found = {
        kind.name: reckon(demand, planned(demand), kind, cache).servers for kind in demand.servers
    }
    assert found == {"ssd-1": 30_000, "ssd-2": 15_000, "nvme-50": 600}


@pytest.mark.parametrize(
    ("sites", "layout", "disk_bytes", "policy", "terabytes_per_second"),
    [
        # Boxes of 1.5 GB/s; figures from simulated sessions with fourteen days of history.
        (200, "alone", 2 * TB, "lru", 25.0),
        (200, "alone", 10 * TB, "lru", 16.3),
        (200, "alone", 40 * TB, "titlelfu", 3.5),
        (1_000, "shared", 2 * TB, "lru", 5.3),
        (400, "shared", 1 * TB, "titlelfu", 2.6),
    ],
)
def test_what_the_origin_sends_is_decided_by_the_layout(
    sites: int, layout: str, disk_bytes: int, policy: str, terabytes_per_second: float
) -> None:
    demand = paper(1.5, disk_bytes, layout=layout, policy=policy)
    demand = replace(demand, regions=(Region("all", 1.0, sites),))
    sent = reckoned(demand).origin_bytes_per_second / TB
    assert sent == pytest.approx(terabytes_per_second, abs=0.04 * 30)


def test_a_site_that_holds_all_fetches_new_titles_only() -> None:
    catalogue = Catalogue(new_titles_per_day=4)
    capacity = reckoned(paper(1.5, catalogue=catalogue))
    assert capacity.hit_ratio == 1.0
    each = 4 * 10 * GB / 86_400
    assert capacity.sites[0].upstream_bytes_per_second == pytest.approx(each)
    assert capacity.origin_bytes_per_second == pytest.approx(200 * each)
    shielded = reckoned(paper(1.5, catalogue=catalogue, shield_disk_bytes=TB))
    assert shielded.origin_bytes_per_second == pytest.approx(each)
    assert shielded.upstream_bytes_per_second == pytest.approx(200 * each)


_FEW = Catalogue(titles=60, title_bytes=16 * GB)
demands = st.builds(
    made,
    peak_bytes_per_second=st.integers(1, 10**13),
    policy=st.sampled_from(["titlelfu", "lru", "fifo"]),
    layout=st.sampled_from(["shared", "alone"]),
    shield_disk_bytes=st.sampled_from([0, 10**11, 10**13]),
    spare_servers=st.integers(0, 2),
    used_share=st.sampled_from([0.5, 0.8, 1.0]),
    catalogue=st.sampled_from([_FEW, replace(_FEW, new_titles_per_day=3.0)]),
)


@settings(max_examples=40, deadline=None)
@given(demands)
def test_bytes_are_neither_lost_nor_made(demand: Demand) -> None:
    capacity = reckoned(demand)
    new = demand.catalogue.new_titles_per_day * demand.catalogue.title_bytes / 86_400
    sent = math.fsum(site.count * site.peak_bytes_per_second for site in capacity.sites)
    assert sent == pytest.approx(demand.peak_bytes_per_second)
    for site in capacity.sites:
        caches = 1 if demand.layout == "shared" else site.servers
        fetched = site.peak_bytes_per_second * (1 - site.hit_ratio) + new * caches
        assert site.upstream_bytes_per_second == pytest.approx(fetched)
        assert site.servers * SERVER.bytes_per_second * demand.used_share >= (
            site.peak_bytes_per_second * (1 - 1e-9)
        )
        links = site.viewer_links, site.upstream_links
        assert links[0] * demand.viewer_link.bytes_per_second >= site.peak_bytes_per_second * 0.999
        assert links[1] * demand.upstream_link.bytes_per_second >= fetched * 0.999
    most = math.fsum(site.count * site.upstream_bytes_per_second for site in capacity.sites)
    assert capacity.upstream_bytes_per_second == pytest.approx(most)
    assert capacity.origin_bytes_per_second <= most * (1 + 1e-9)
    if not demand.shield_disk_bytes:
        assert capacity.origin_bytes_per_second == pytest.approx(most)


@settings(max_examples=25, deadline=None)
@given(demands, st.integers(1, 10**13))
def test_more_viewers_never_take_less(demand: Demand, more: int) -> None:
    few, many = (
        reckoned(replace(demand, peak_bytes_per_second=peak))
        for peak in (demand.peak_bytes_per_second, demand.peak_bytes_per_second + more)
    )
    assert few.servers <= many.servers
    assert few.viewer_links <= many.viewer_links
    assert few.disk_bytes <= many.disk_bytes
    assert few.cost.servers <= many.cost.servers


@settings(max_examples=15, deadline=None)
@given(demands)
def test_larger_caches_never_hit_less_and_cost_more_disk(demand: Demand) -> None:
    cache = Cache(demand.catalogue, demand.policy)
    shares = (0.01, 0.1, 0.5, 1.0)
    points = sweep(demand, planned(demand), SERVER, cache, shares)
    for small, large in itertools.pairwise(points):
        assert small.hit_ratio <= large.hit_ratio + 1e-9
        assert small.origin_bytes_per_second >= large.origin_bytes_per_second - 1
        assert small.cost.disks < large.cost.disks
        assert small.servers == large.servers
    assert points[-1].hit_ratio == 1.0
    assert [p.sites[0].held_bytes for p in points] == [s * cache.bytes for s in shares]


def test_cost_is_the_sum_of_what_is_bought() -> None:
    link = Link(bytes_per_second=10**9, monthly_price=7.0)
    capacity = reckoned(made(viewer_link=link, upstream_link=link, copies=3))
    terabytes = (capacity.disk_bytes + capacity.origin_disk_bytes) / TB
    bought = (
        (capacity.servers + capacity.origin_servers) * SERVER.monthly_price
        + terabytes * SERVER.monthly_price_per_terabyte
        + (capacity.viewer_links + capacity.upstream_links) * 7.0
    )
    assert capacity.origin_disk_bytes == 3 * 10**12
    assert capacity.cost.total == pytest.approx(bought)
    month = 10**10 * 0.56 * 30 * 86_400 / TB
    assert capacity.price_per_served_terabyte == pytest.approx(bought / month)


def test_shields_are_bought_and_an_origin_is_always_there() -> None:
    bare, shielded = reckoned(made()), reckoned(made(shield_disk_bytes=TB))
    assert shielded.shield_disk_bytes == 2 * TB
    assert shielded.cost.disks - bare.cost.disks == pytest.approx(2 * 4.0)
    assert shielded.origin_bytes_per_second == 0
    assert shielded.origin_servers == 1


def test_spare_servers_and_a_share_left_free_are_bought() -> None:
    plain, spared = reckoned(made()), reckoned(made(spare_servers=2, used_share=0.5))
    assert [site.servers for site in plain.sites] == [3, 2]
    assert [site.servers for site in spared.sites] == [5 + 2, 3 + 2]


def test_sites_of_a_topology_are_reckoned_with_what_stands_there() -> None:
    topology = parse_topology(
        """\
sites: [{name: fra, latitude: 50, longitude: 8}]
edges:
  - {name: e1, site: fra, listen: "127.0.0.1:1", disks: [{path: a, size_bytes: 100GB}]}
  - {name: e2, site: fra, listen: "127.0.0.1:2", disks: [{path: b, size_bytes: 100GB}]}
routes: [{upstream: ["http://127.0.0.1:8000"]}]
""",
        {},
    )
    demand = made(regions=(Region("fra", 1.0),))
    cache = Cache(demand.catalogue, demand.policy)
    (site,) = reckon(demand, standing(demand, topology, SERVER), SERVER, cache).sites
    assert (site.servers, site.servers_needed, site.held_bytes) == (2, 10, 100 * GB)
    assert site.hit_ratio == cache.answers(100.0 * GB)[0]


def test_every_figure_of_the_sum_is_shown() -> None:
    shown = [str(step) for step in reckoned(made(shield_disk_bytes=10**11)).steps]
    assert "catalogue = 1,000 titles x 1 GB = 1 TB" in shown
    assert "viewers = 10 GB/s / 3 MB/s = 3,333" in shown
    assert "servers of a site in a = 2.5 GB/s / (1 GB/s) = 3" in shown
    assert "servers = 3 x 3 + 2 x 2 = 13" in shown
    assert any(line.startswith("a takes from origins, past 100 GB of shields = ") for line in shown)
    assert shown[-1].startswith("cost of a month = servers 650 + disks ")


def test_a_thousand_alike_are_summed_in_words() -> None:
    regions = tuple(Region(f"r{n}", 1 / 8) for n in range(8))
    shown = [step.sum for step in reckoned(made(regions=regions)).steps if step.what == "servers"]
    assert shown == ["1 x 2 + 1 x 2 + 1 x 2 + 1 x 2 + 1 x 2 + 1 x 2 + 2 more"]


def test_a_capacity_is_plain_data() -> None:
    assert dataclasses.asdict(reckoned(made()))["cost"]["servers"] == 650
