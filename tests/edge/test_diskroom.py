"""What each kind of content has of a disk is told to operators and to Prometheus alike."""

from __future__ import annotations

from collections import Counter

import httpx
from prometheus_client.parser import text_string_to_metric_families

from config.eviction import Eviction, Share
from config.topology import MIB, Address
from edge.diskroom import Rooms, describe_disks, kind_metrics, rooms_of
from edge.totals import Totals, add_up
from tests.edge.conftest import BLOCK, Plan, eventually

DISK_BYTES = 256 * MIB
TWO: Rooms = Counter(
    {
        ("/b", "", "size_bytes"): 100,
        ("/b", "", "held_bytes"): 30,
        ("/b", "other", "held_bytes"): 10,
        ("/b", "/p/", "held_bytes"): 20,
        ("/a", "", "size_bytes"): 7,
    }
)


def test_disks_and_kinds_stand_in_the_order_of_the_topology() -> None:
    assert describe_disks(TWO) == [
        {
            "path": "/b",
            "size_bytes": 100,
            "held_bytes": 30,
            "kinds": [{"kind": "other", "held_bytes": 10}, {"kind": "/p/", "held_bytes": 20}],
        },
        {"path": "/a", "size_bytes": 7, "kinds": []},
    ]
    assert describe_disks(Counter()) == []


def test_figures_tell_kinds_and_no_disk_as_a_whole() -> None:
    samples = [each for family in kind_metrics(TWO) for each in family.samples]
    assert [(each.labels["kind"], each.value) for each in samples] == [("other", 10), ("/p/", 20)]


def test_workers_add_up_and_those_that_have_ended_hold_nothing() -> None:
    total = add_up([Totals(rooms=TWO), Totals(rooms=TWO), Totals(rooms=TWO).without_levels()])
    assert total.rooms["/b", "/p/", "held_bytes"] == 40


async def test_an_edge_tells_what_each_kind_holds_and_is_sure_of(plan: Plan) -> None:
    shares = (Share("/posters/", 0.25), Share("/trailers/", 0.5))
    plan = plan.but(eviction=Eviction("titlelfu", shares=shares))
    plan.admin = Address("127.0.0.1", 0)
    for path, blocks in (("/films/a", 3), ("/posters/a", 2)):
        plan.origin.put(path, bytes(blocks * BLOCK))
    async with plan.start() as edge:
        client = await edge.client()
        for path in ("/films/a", "/posters/a"):
            await client.ask(path)
        await eventually(lambda: edge.worker.holdings.held_blocks == 5, "all is held")
        edge.worker.holdings.keeping.pin(
            b"/films/a", 0, 1, [edge.worker.holdings.entries[b"/films/a"]]
        )
        assert edge.worker.admin_url is not None
        async with httpx.AsyncClient(base_url=edge.worker.admin_url) as http:
            told = (await http.get("/v1/disks")).raise_for_status().json()
            figures = (await http.get("/metrics")).text
    kinds = [
        {"kind": "other", "share_bytes": DISK_BYTES // 4, "held_bytes": 2 * BLOCK},
        {"kind": "/posters/", "share_bytes": DISK_BYTES // 4, "held_bytes": 2 * BLOCK},
        {"kind": "/trailers/", "share_bytes": DISK_BYTES // 2, "held_bytes": 0},
    ]
    disk = {
        "path": str(plan.cache),
        "size_bytes": DISK_BYTES,
        "held_bytes": 5 * BLOCK,
        "pinned_bytes": BLOCK,
    }
    assert told == {"node": "edge-1", "disks": [{**disk, "kinds": kinds}]}
    samples = {
        (sample.name, sample.labels["kind"]): sample.value
        for family in text_string_to_metric_families(figures)
        for sample in family.samples
        if sample.name.startswith("cinedge_edge_kind_")
    }
    assert samples == {
        (f"cinedge_edge_kind_{measure}", str(kind["kind"])): kind[measure]
        for kind in kinds
        for measure in ("held_bytes", "share_bytes")
    }


async def test_without_shares_no_kind_is_told(plan: Plan) -> None:
    async with plan.start() as edge:
        rooms = rooms_of(edge.worker.holdings.keeping)
    assert {measure for _, kind, measure in rooms if not kind} == {
        *("size_bytes", "held_bytes", "pinned_bytes")
    }
    assert not [kind for _, kind, _ in rooms if kind]
