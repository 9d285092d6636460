"""Load and hit ratio of a site under a hot title, simulated with caches of the edges."""

from __future__ import annotations

import bisect
import itertools
import random
from collections import Counter, OrderedDict

from cdnkit.placement import Node, rank
from geo_router.demand import Demand
from geo_router.spread import EPSILON, HOT_COUNT, Pool, lead, order, owners

EDGES = 20
TITLES = 5_000
REQUESTS = 60_000
CACHED = 100


def requests(seed: int) -> list[bytes]:
    """40 % for one title, the rest by Zipf's law with exponent 1.1."""
    chance = random.Random(seed)
    weights = itertools.accumulate(1 / place**1.1 for place in range(1, TITLES + 1))
    cumulative = list(weights)
    keys = []
    for _ in range(REQUESTS):
        if chance.random() < 0.4:
            keys.append(b"/hot")
        else:
            place = bisect.bisect(cumulative, chance.random() * cumulative[-1])
            keys.append(b"/films/%d" % place)
    return keys


class Caches:
    """What the edges hold: the titles asked for last."""

    def __init__(self) -> None:
        self._held: dict[str, OrderedDict[bytes, None]] = {}
        self.hits = self.asked = 0

    def ask(self, edge: str, key: bytes) -> None:
        held = self._held.setdefault(edge, OrderedDict())
        self.asked += 1
        if key in held:
            self.hits += 1
            held.move_to_end(key)
        else:
            held[key] = None
            if len(held) > CACHED:
                held.popitem(last=False)


def test_a_hot_title_is_spread_and_hardly_any_hit_is_lost() -> None:
    nodes = tuple(Node(f"edge-{number}") for number in range(EDGES))
    pool, demand = Pool(nodes), Demand(0.0)
    spread, pure = Caches(), Caches()
    load: Counter[str] = Counter()
    owner: dict[bytes, str] = {}
    for number, key in enumerate(requests(7)):
        demand.advance(number / 1000)
        edge = lead(pool, key, demand.site(0), demand).name
        demand.count(0, key, edge)
        spread.ask(edge, key)
        pure.ask(owner.setdefault(key, rank(key, nodes)[0].name), key)
        if number >= REQUESTS // 6:
            load[edge] += 1
    ratio = max(load.values()) / (load.total() / EDGES)
    lost = pure.hits / pure.asked - spread.hits / spread.asked
    print(f"max/mean {ratio:.3f}, hits {spread.hits / spread.asked:.4f}, lost {lost:.4f}")
    assert len(load) == EDGES
    assert ratio < 1.3
    assert lost < 0.03


def test_removing_one_of_n_moves_about_one_nth() -> None:
    nodes = tuple(Node(f"edge-{number}") for number in range(EDGES))
    keys = [b"/films/%d" % number for number in range(20_000)]
    demand = Demand(0.0)
    before, after = Pool(nodes), Pool(nodes[:7] + nodes[8:])
    counts = demand.site(0)
    moved = [
        lead(before, key, counts, demand).name
        for key in keys
        if lead(before, key, counts, demand) is not lead(after, key, counts, demand)
    ]
    assert set(moved) == {"edge-7"}
    assert 0.04 < len(moved) / len(keys) < 0.06


def test_few_requests_bend_nothing() -> None:
    nodes = tuple(Node(f"edge-{number}") for number in range(4))
    pool, demand = Pool(nodes), Demand(0.0)
    counts = demand.site(0)
    chosen = set()
    for _ in range(25):
        chosen.add(lead(pool, b"/a", counts, demand).name)
        demand.count(0, b"/a", next(iter(chosen)))
    assert chosen == {pool.ranked(b"/a")[0].name}


def test_a_title_has_owners_by_its_share_and_loses_them_with_time() -> None:
    demand = Demand(0.0, 10.0)
    for number in range(1000):
        demand.count(0, b"/hot" if number % 5 < 2 else b"/%d" % number, f"e{number % 20}")
    counts = demand.site(0)
    assert owners(b"/hot", 20, counts, demand) == 16
    assert owners(b"/3", 20, counts, demand) == 1
    demand.advance(40.0)
    assert counts.by_key[b"/hot"] / demand.gain < HOT_COUNT
    assert owners(b"/hot", 20, counts, demand) == 1


def test_weights_move_the_bound() -> None:
    pool, demand = Pool((Node("big", 3.0), Node("small", 1.0))), Demand(0.0)
    for number in range(40_000):
        key = b"/%d" % (number % 50)
        demand.count(0, key, lead(pool, key, demand.site(0), demand).name)
    counts = demand.site(0)
    assert counts.by_edge["small"] <= (1 + EPSILON) * counts.total / 4 + 33
    assert counts.by_edge["big"] <= (1 + EPSILON) * counts.total * 3 / 4 + 33


def test_the_order_begins_with_the_lead_and_holds_every_edge_once() -> None:
    pool, demand = Pool(tuple(Node(f"e{number}") for number in range(5))), Demand(0.0)
    for number in range(3000):
        key = b"/%d" % (number % 7)
        ordered = order(pool, key, demand.site(0), demand)
        assert ordered[0] is lead(pool, key, demand.site(0), demand)
        assert len(set(ordered)) == 5
        demand.count(0, key, ordered[0].name)
    assert order(Pool(()), b"/a", demand.site(0), demand) == []
