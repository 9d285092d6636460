"""The worker's counters on the admin address, equal to what happened."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from config.topology import Address
from tests.edge.conftest import Edge, Plan, eventually


async def scrape(edge: Edge) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    assert edge.worker.admin_url is not None
    async with httpx.AsyncClient() as client:
        text = (await client.get(edge.worker.admin_url + "/metrics")).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("cinedge_edge_")
    }


async def test_metrics_equal_what_was_sent(plan: Plan) -> None:
    plan.admin = Address("127.0.0.1", 0)
    plan.origin.put("/a", b"film" * 100)
    async with plan.start() as edge:
        client = await edge.client()
        answers = [await client.ask("/a") for _ in range(5)]
        requests = edge.worker.accounts.counters.requests
        await eventually(lambda: sum(requests.values()) == 5, "all are counted")
        found = await scrape(edge)

        def value(name: str, **labels: str) -> float:
            return found[f"cinedge_edge_{name}", tuple(sorted(labels.items()))]

        assert value("requests_total", outcome="miss", reason="cold", status="200") == 1
        assert value("requests_total", outcome="hit", reason="", status="200") == 4
        assert value("sent_bytes_total", outcome="hit", reason="") == sum(
            answer.size_bytes for answer in answers[1:]
        )
        assert value("connections_total") == 1
        assert value("open_connections") == 1
        assert value("held_blocks") == 1
        assert value("held_bytes") == 400
        assert value("fill_bytes_total") == 400
        assert value("entries") == 1
        assert value("cut_short_total") == value("turned_away_total") == 0


async def test_health_and_metrics_are_on_the_admin_address_alone(plan: Plan) -> None:
    plan.admin = Address("127.0.0.1", 0)
    async with plan.start() as edge:
        assert edge.worker.admin_url is not None
        async with httpx.AsyncClient(base_url=edge.worker.admin_url) as client:
            assert (await client.get("/livez")).status_code == 200
            assert (await client.get("/readyz")).status_code == 200
        viewer = await edge.client()
        assert (await viewer.ask("/metrics")).status == 404
        assert edge.origin.targets() == ["GET /metrics"]
