"""The simulated origin tells orders as a real one does."""

from __future__ import annotations

import time

import aiohttp
import pytest

from scripts.simulated_fleet.orders import serve_orders

WANTED = {"id", "kind", "state", "sequence", "at", "by", "asked", "edges", "p50_ms", "p99_ms"}


@pytest.mark.parametrize("kind", ["purge", "warm", "pin"])
async def test_orders_have_receipts_of_every_edge(kind: str) -> None:
    server = await serve_orders(["a", "b"], 1, time.time, "127.0.0.1")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{url}/v1/{kind}s") as answer:
            orders = (await answer.json())["items"]
        async with http.get(f"{url}/v1/else") as answer:
            assert answer.status == 404
    server.close()
    assert {order["kind"] for order in orders} == {kind}
    for order in orders:
        assert set(order) == WANTED
        assert [edge["name"] for edge in order["edges"]] == ["a", "b"]
