"""What is fetched for whom is known to the tasks that fetch it, and to those they ask."""

from __future__ import annotations

import asyncio

import pytest

from cdnkit.fields import FieldLines
from cdnkit.wire import Traffic
from edge.onward import PURPOSE_FIELD, all_pairs, shared_pairs
from edge.purpose import fetch_for, heed_purpose, purpose, purpose_pairs
from tests.edge.made import a_request


async def in_a_task(traffic: Traffic) -> tuple[Traffic, tuple[tuple[bytes, bytes], ...]]:
    async def inner() -> tuple[Traffic, tuple[tuple[bytes, bytes], ...]]:
        return purpose(), purpose_pairs()

    fetch_for(traffic)
    return await asyncio.ensure_future(inner())


async def test_tasks_that_a_task_starts_fetch_for_the_same_and_others_do_not() -> None:
    known = [asyncio.ensure_future(in_a_task(each)) for each in Traffic]
    assert [found for found, _ in await asyncio.gather(*known)] == list(Traffic)
    assert purpose() is Traffic.FILL_MISS


@pytest.mark.parametrize("traffic", [Traffic.FILL_WARM, Traffic.FILL_PLACEMENT])
async def test_whom_an_order_asks_is_told_what_for(traffic: Traffic) -> None:
    _, pairs = await asyncio.ensure_future(in_a_task(traffic))

    async def asked() -> Traffic:
        heed_purpose(FieldLines(list(pairs)))
        return purpose()

    assert await asyncio.ensure_future(asked()) is traffic


@pytest.mark.parametrize("value", [b"", b"edge", b"fill-miss", b"x"])
async def test_what_is_no_order_is_a_viewers(value: bytes) -> None:
    heed_purpose(FieldLines([(PURPOSE_FIELD, value)]))
    assert purpose() is Traffic.FILL_MISS
    assert purpose_pairs() == ()


def test_viewers_do_not_say_what_is_fetched_for() -> None:
    request = a_request("Cinedge-Purpose: fill-warm")
    assert PURPOSE_FIELD not in dict(shared_pairs(request))
    assert PURPOSE_FIELD not in dict(all_pairs(request))
