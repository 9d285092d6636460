"""Where paths lead is one record, swapped as a whole."""

from __future__ import annotations

from dataclasses import replace

from config.token_keys import TokenKey
from config.topology import Route
from edge.ways import ways_of
from tests.edge.conftest import Plan


async def test_a_target_is_matched_and_led_by_the_same_topology(plan: Plan) -> None:
    routes = (Route("/a/", upstream=("http://one",)), Route("/b/", upstream=("http://two",)))
    ways = ways_of(plan.node(), replace(plan.topology(), routes=routes), lambda: 0.0)
    matched, upstreams = ways.behind(b"/b/film")
    assert matched.rest == b"film"
    assert [pool.endpoint.authority for pool in upstreams.pools] == [b"two"]
    assert ways.hops is None


async def test_edges_know_each_other_where_there_is_a_key(plan: Plan) -> None:
    topology = replace(plan.topology(), token_keys=(TokenKey("k", "x" * 16),))
    assert ways_of(plan.node(), topology, lambda: 0.0).hops is not None
