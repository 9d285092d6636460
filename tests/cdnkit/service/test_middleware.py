"""Ids, accounts, and errors as answers, seen from the other end of a socket."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from cdnkit.errors import NotFoundError, UnavailableError, UpstreamError
from cdnkit.service.exchange import note, note_raw_body, request_id_of
from cdnkit.service.middleware import choose_request_id, new_request_id
from tests.cdnkit.service.conftest import Start

CLOSE = b"Host: a\r\nConnection: close\r\n\r\n"


async def hello(request: web.Request) -> web.Response:
    note(request, outcome="hit")
    return web.json_response({"id": request_id_of(request)})


async def missing(request: web.Request) -> web.Response:
    raise NotFoundError(f"No {request.match_info['key']}.")


async def broken(request: web.Request) -> web.Response:
    raise RuntimeError("the internals")


async def busy(request: web.Request) -> web.Response:
    raise UnavailableError("Busy.", 9)


async def moved(request: web.Request) -> web.Response:
    raise web.HTTPFound("/hello")


async def large(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


ROUTES = [
    web.get("/hello", hello),
    web.get("/content/{key}", missing),
    web.get("/broken", broken),
    web.get("/busy", busy),
    web.get("/moved", moved),
    web.post("/large", large),
]


def test_fresh_ids_are_sane_and_differ() -> None:
    ids = {new_request_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(choose_request_id(one, lambda: "made") == one for one in ids)


@given(st.text(max_size=80))
def test_an_offered_id_is_taken_only_when_sane(text: str) -> None:
    sane = re.fullmatch(r"[A-Za-z0-9._\-]{1,64}", text) is not None
    assert choose_request_id(text, lambda: "made!") == (text if sane else "made!")


async def test_the_id_goes_through_and_comes_back(start: Start) -> None:
    rig = await start(ROUTES)
    async with rig.client.get(rig.url("/hello"), headers={"X-Request-Id": "abc-1"}) as answer:
        assert answer.headers["X-Request-Id"] == "abc-1"
        assert await answer.json() == {"id": "abc-1"}
    (record,) = await rig.records()
    assert record["request_id"] == "abc-1"


@pytest.mark.parametrize("offered", ["a b", "x" * 65, "", "é"])
async def test_a_bad_id_is_replaced(start: Start, offered: str) -> None:
    rig = await start(ROUTES, make_id=lambda: "made")
    async with rig.client.get(rig.url("/nowhere"), headers={"X-Request-Id": offered}) as answer:
        assert answer.headers["X-Request-Id"] == "made"
        assert (await answer.json())["instance"] == "urn:request:made"


async def test_a_request_is_one_record_with_the_stable_names(start: Start) -> None:
    ticks = iter([10.0, 10.25])
    rig = await start(ROUTES, clock=lambda: next(ticks), make_id=lambda: "made")
    fields = {"Range": "bytes=0-1", "User-Agent": "player/1", "Referer": "http://private/"}
    async with rig.client.get(rig.url("/hello?token=s3cret"), headers=fields) as answer:
        body = await answer.read()
    (record,) = await rig.records()
    assert record == {
        "time": "2030-01-02T03:04:05.678Z",
        "tier": "edge",
        "node": "e1",
        "request_id": "made",
        "client": "127.0.0.1",
        "method": "GET",
        "path": "/hello?token=[redacted]",
        "status": 200,
        "bytes": len(body),
        "duration_ms": 250.0,
        "range": "bytes=0-1",
        "user_agent": "player/1",
        "outcome": "hit",
    }
    labels = {"tier": "edge", "method": "GET", "route": "/hello"}
    assert rig.telemetry.value("cinedge_request_duration_seconds_sum", **labels) == 0.25
    sent = rig.telemetry.value("cinedge_response_bytes_total", tier="edge", route="/hello")
    assert sent == len(body)
    assert rig.telemetry.value("cinedge_requests_in_flight", tier="edge") == 0


async def test_an_error_of_ours_is_a_problem_and_the_route_is_the_template(start: Start) -> None:
    rig = await start(ROUTES)
    async with rig.client.get(rig.url("/content/x")) as answer:
        assert answer.status == 404
        assert answer.content_type == "application/problem+json"
        assert (await answer.json())["detail"] == "No x."
    assert rig.requests("GET", "/content/{key}", 404) == 1
    assert rig.errors("not-found") == 1
    (record,) = await rig.records()
    assert record["error"] == "not-found"


async def test_fields_of_errors_are_sent_and_our_faults_are_logged(start: Start) -> None:
    rig = await start(ROUTES)
    with capture_logs() as events:
        async with rig.client.get(rig.url("/busy")) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "9")
        async with rig.client.get(rig.url("/content/x")):
            pass
    assert [event["code"] for event in events] == ["unavailable"]


async def test_an_unknown_error_shows_nothing_and_is_logged_whole(start: Start) -> None:
    rig = await start(ROUTES)
    with capture_logs() as events:
        async with rig.client.get(rig.url("/broken")) as answer:
            assert answer.status == 500
            assert "internals" not in await answer.text()
            request_id = answer.headers["X-Request-Id"]
    assert [(e["event"], e["request_id"]) for e in events] == [("unhandled error", request_id)]
    assert str(events[0]["exc_info"]) == "the internals"
    assert rig.errors("internal-error") == 1
    assert rig.requests("GET", "/broken", 500) == 1


async def test_no_route_and_wrong_method_are_problems(start: Start) -> None:
    rig = await start(ROUTES)
    async with rig.client.get(rig.url("/nowhere/at/all")) as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")
    async with rig.client.put(rig.url("/hello")) as answer:
        assert (answer.status, answer.content_type) == (405, "application/problem+json")
        assert answer.headers["Allow"] == "GET,HEAD"
    assert rig.requests("GET", "unmatched", 404) == 1
    assert rig.requests("PUT", "unmatched", 405) == 1


async def test_a_redirect_is_no_error(start: Start) -> None:
    rig = await start(ROUTES)
    async with rig.client.get(rig.url("/moved"), allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/hello")
        assert answer.headers["X-Request-Id"]
    (record,) = await rig.records()
    assert "error" not in record


async def test_a_body_above_the_bound_is_a_problem(start: Start) -> None:
    rig = await start(ROUTES, client_max_size=10)
    async with rig.client.post(rig.url("/large"), data=b"x" * 11) as answer:
        assert (answer.status, answer.content_type) == (413, "application/problem+json")


@pytest.mark.parametrize("host", [b"a b", b"a<>{}", b"user@a", b"a:99999"])
async def test_a_host_that_cannot_be_one_is_refused_and_the_connection_closed(
    start: Start, host: bytes
) -> None:
    rig = await start(ROUTES)
    answer = await rig.raw(b"GET /hello HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert rig.requests("GET", "/hello", 400) == 1


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /hello HTTP/2.0", b"505 "),
        (b"GET /hello HTTP/1.2", b"505 "),
        (b"GET /hello", b"400 "),
    ],
)
async def test_a_version_that_is_not_spoken_is_refused_and_the_connection_closed(
    start: Start, line: bytes, status: bytes
) -> None:
    rig = await start(ROUTES)
    answer = await rig.raw(line + b"\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)


async def test_an_absolute_target_must_name_a_host(start: Start) -> None:
    rig = await start(ROUTES)
    good = await rig.raw(b"GET http://a.example/hello HTTP/1.1\r\n" + CLOSE)
    assert good.startswith(b"HTTP/1.1 200 ")
    bad = await rig.raw(b"GET http://u@a.example/hello HTTP/1.1\r\n" + CLOSE)
    assert bad.startswith(b"HTTP/1.1 400 ")


async def test_a_head_request_that_fails_has_no_body(start: Start) -> None:
    rig = await start(ROUTES)
    answer = await rig.raw(b"HEAD /content/x HTTP/1.1\r\n" + CLOSE)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b"\r\n\r\n")
    (record,) = await rig.records()
    assert (record["bytes"], record["status"]) == (0, 404)
    assert rig.closed("cut-answer") == 0


async def fail_after_the_head(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers=dict(request.query))
    await response.prepare(request)
    await response.write(b"abc")
    raise UpstreamError("the parent went away")


async def test_a_failure_after_the_head_is_a_cut_never_an_end(start: Start) -> None:
    rig = await start([web.get("/film", fail_after_the_head)])
    with capture_logs() as events:
        for path in ("/film?Content-Length=10", "/film"):
            async with rig.client.get(rig.url(path)) as answer:
                assert answer.status == 200
                with pytest.raises(aiohttp.ClientPayloadError):
                    await answer.read()
    assert rig.closed("cut-answer") == 2
    assert rig.errors("upstream-failed") == 2
    assert [event["event"] for event in events] == ["request failed", "request failed"]
    records = await rig.records(2)
    assert [(r["status"], r["cut"], r["bytes"]) for r in records] == [(200, True, 3)] * 2


async def test_a_body_that_ends_with_the_connection_is_reset_instead(start: Start) -> None:
    rig = await start([web.get("/film", fail_after_the_head)])
    with pytest.raises(ConnectionResetError):
        await rig.raw(b"GET /film HTTP/1.0\r\nHost: a\r\n\r\n")


@pytest.mark.parametrize("written", [b"abc", b""])
async def test_a_short_body_breaks_the_connection(start: Start, written: bytes) -> None:
    async def short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "10"})
        await response.prepare(request)
        await response.write(written)
        return response

    rig = await start([web.get("/film", short)])
    async with rig.client.get(rig.url("/film")) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    assert rig.closed("cut-answer") == 1
    assert rig.errors("internal-error") == 1


async def test_bytes_sent_beside_the_writer_count_as_body(start: Start) -> None:
    async def raw(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "10"})
        await response.prepare(request)
        assert request.transport is not None
        request.transport.write(b"0123456789")
        note_raw_body(request, 10)
        return response

    rig = await start([web.get("/film", raw)])
    for _ in range(2):
        async with rig.client.get(rig.url("/film")) as answer:
            assert await answer.read() == b"0123456789"
    assert rig.closed("cut-answer") == 0
    assert [record["bytes"] for record in await rig.records(2)] == [10, 10]


async def test_chunked_bodies_are_weighed_without_their_framing(start: Start) -> None:
    async def chunked(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(3):
            await response.write(b"x" * 100)
        return response

    rig = await start([web.get("/film", chunked)])
    async with rig.client.get(rig.url("/film")) as answer:
        assert len(await answer.read()) == 300
    assert (await rig.records())[0]["bytes"] == 300


async def test_no_body_is_missed_where_none_belongs(start: Start) -> None:
    async def sized(request: web.Request) -> web.Response:
        return web.Response(status=int(request.query["s"]), headers={"Content-Length": "10"})

    rig = await start([web.get("/film", sized)])
    async with rig.client.head(rig.url("/film?s=200")) as answer:
        assert answer.headers["Content-Length"] == "10"
    async with rig.client.get(rig.url("/film?s=304")) as answer:
        assert answer.status == 304
    assert rig.closed("cut-answer") == 0


async def test_a_client_that_leaves_is_an_account_and_no_error(start: Start) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if "prepared" in request.query:
            await response.prepare(request)
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return response

    rig = await start([web.get("/film", endless)])
    with capture_logs() as events:
        for number, path in enumerate((b"/film", b"/film?prepared"), 1):
            begun.clear()
            ended.clear()
            _, writer = await asyncio.open_connection("127.0.0.1", rig.listening.port)
            writer.write(b"GET " + path + b" HTTP/1.1\r\n" + CLOSE)
            async with asyncio.timeout(5):
                await begun.wait()
                writer.close()
                await ended.wait()
            await rig.records(number)
    assert events == []
    records = await rig.records(2)
    assert [(r["status"], r["error"]) for r in records] == [
        (499, "client-gone"),
        (200, "client-gone"),
    ]
    assert rig.requests("GET", "/film", 499) == 1
    assert rig.telemetry.value("cinedge_requests_in_flight", tier="edge") == 0


async def test_a_client_that_leaves_while_we_write_is_no_error(start: Start) -> None:
    begun = asyncio.Event()

    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        begun.set()
        while True:
            await response.write(b"x" * 65536)

    rig = await start([web.get("/film", flood)])
    with capture_logs() as events:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.listening.port)
        writer.write(b"GET /film HTTP/1.1\r\n" + CLOSE)
        async with asyncio.timeout(5):
            await begun.wait()
            await reader.read(100)
            writer.transport.abort()
            (record,) = await rig.records()
    assert record["error"] == "client-gone"
    assert events == []
    assert rig.errors("internal-error") == 0


async def test_a_failing_connection_to_elsewhere_is_an_error(start: Start) -> None:
    async def far(request: web.Request) -> web.Response:
        raise ConnectionResetError("upstream")

    rig = await start([web.get("/film", far)])
    async with rig.client.get(rig.url("/film")) as answer:
        assert answer.status == 500
    assert rig.errors("internal-error") == 1


@pytest.mark.parametrize("kind", [web.Response, web.StreamResponse])
async def test_a_field_that_cannot_be_sent_is_our_fault_not_a_hang(
    start: Start, kind: type[web.StreamResponse]
) -> None:
    async def bad(request: web.Request) -> web.StreamResponse:
        return kind(headers={"X-Bad": "a\r\nb"})

    rig = await start([web.get("/film", bad)])
    with capture_logs() as events:
        answer = await rig.raw(b"GET /film HTTP/1.1\r\n" + CLOSE)
    assert b"X-Bad" not in answer
    assert answer.startswith(b"HTTP/1.1 500 ") or answer == b""
    assert [event["event"] for event in events] == ["unhandled error"]
    assert rig.errors("internal-error") == 1
