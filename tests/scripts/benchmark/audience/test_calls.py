"""Every call of a viewer is noted once, whatever became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from scripts.benchmark.audience.calls import (
    NO_ANSWER,
    WRONG_BYTES,
    Call,
    Caller,
    summarise,
)
from scripts.benchmark.figures import percentile

CALLS = st.builds(
    Call, st.sampled_from("abc"), st.sampled_from((200, 204, 404, 503, 0)), st.floats(0, 10)
)


@given(st.lists(CALLS))
def test_every_call_is_in_the_figures_of_its_name(calls: list[Call]) -> None:
    figures = summarise(calls)
    assert sum(each.calls for each in figures.values()) == len(calls)
    failed = sum(sum(each.errors.values()) for each in figures.values())
    assert failed == sum(call.status in (404, 503, 0) for call in calls)


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0, 1))
def test_percentile_is_a_value_that_at_most_so_many_exceed(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value > found for value in values) <= (1 - share) * len(values) + 1e-9


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"title": "no"}, status=503)

    async def film(_request: web.Request) -> web.Response:
        return web.Response(status=206, body=b"film")

    app = web.Application()
    app.add_routes([web.get("/refused", refuse), web.get("/film", film)])
    async with TestServer(app) as server, ClientSession() as http:
        yield Caller(http, str(server.make_url("")).rstrip("/"))


async def test_refusal_is_noted_and_returned(caller: Caller) -> None:
    answer = await caller.ask("call", "GET", "/refused")
    assert not answer.is_good
    assert [(call.name, call.status) for call in caller.noted] == [("call", 503)]


async def test_connection_that_fails_is_a_failed_call(caller: Caller) -> None:
    async with ClientSession() as http:
        alone = Caller(http, "http://127.0.0.1:1")
        await alone.ask("call", "GET", "/")
        await alone.read("bytes", "http://127.0.0.1:1/film", b"film")
    assert [call.status for call in alone.noted] == [NO_ANSWER, NO_ANSWER]
    assert all(call.failed for call in alone.noted)


@pytest.mark.parametrize(("expected", "status"), [(b"film", 206), (b"fine", WRONG_BYTES)])
async def test_other_bytes_than_were_uploaded_are_a_failure(
    caller: Caller, expected: bytes, status: int
) -> None:
    await caller.read("bytes", f"{caller.origin_url}/film", expected)
    assert [call.status for call in caller.noted] == [status]
