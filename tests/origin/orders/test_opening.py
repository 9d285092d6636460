"""Orders as an origin mounts them."""

from __future__ import annotations

from origin.app import ORDERS
from tests.origin.conftest import RunningOrigin


async def test_a_stand_alone_origin_takes_orders_from_this_machine(origin: RunningOrigin) -> None:
    async with origin.client.post("/v1/pin", json={"prefix": "films/"}) as answer:
        told = await answer.json()
    assert (answer.status, told["state"], told["by"]) == (202, "done", "loopback")
    assert ORDERS is not None
