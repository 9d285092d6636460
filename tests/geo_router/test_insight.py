"""What the router shows of itself beyond a decision (see test_handlers for that)."""

from __future__ import annotations

import pytest

from tests.geo_router.test_handlers import router_of
from tests.geo_router.worlds import FAILED


async def test_a_title_may_be_named_instead_of_a_path() -> None:
    async with router_of({"fra": 1, "nyc": 1}) as wire:
        by_title = (await wire.ask("/v1/explain?title=films/a.mp4&offset=1048576")).json
        by_path = (await wire.ask("/v1/explain?path=/films/a.mp4")).json
        assert by_title.pop("offset_bytes") == 1048576
        assert by_path.pop("offset_bytes") == 0
        assert by_title == by_path


@pytest.mark.parametrize("query", ["offset=1", "title=a&offset=-1", "title=a&offset=1.5"])
async def test_an_offset_is_a_number_of_bytes_of_something(query: str) -> None:
    async with router_of({"fra": 1}) as wire:
        assert (await wire.ask(f"/v1/explain?{query}")).status == 400


async def test_observations_are_what_this_router_saw_itself() -> None:
    async with router_of({"fra": 1, "nyc": 1}) as wire:
        for moment in (2.0, 3.0):
            wire.router.fleet.observe("nyc-0", FAILED, moment)
        told = (await wire.ask("/v1/observations")).json
        assert told["router"] == "router-1"
        assert told["families"]["ipv4"] == {
            "failing": {"nyc-0": "cannot connect"},
            "unknown": [],
        }
        fleet = (await wire.ask("/v1/fleet")).json
        assert fleet["routers_heard"] == {}
