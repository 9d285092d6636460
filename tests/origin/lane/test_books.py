"""Lines and figures of the lane are those that the full server would write."""

from __future__ import annotations

from cdnkit.service.logs import AccessLog, render_record
from cdnkit.service.metrics import Telemetry
from origin.lane.books import ENTRIES_MAX, Books
from origin.lane.connection import Answer
from origin.lane.heads import Asked

AT = 1_700_000_000.25


class Kept:
    """A sink in memory."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def reopen(self) -> None:
        pass

    def close(self) -> None:
        pass


def answer(target: str = "/v1/content/a", agent: str | None = "p/1") -> Answer:
    fields = {} if agent is None else {"user-agent": agent}
    asked = Asked("GET", target, "a", fields)
    return Answer(asked, 206, b"id-1", 0.0, b"", None, "bytes=0-4", sent_bytes=5)


async def test_a_line_is_that_of_the_full_server() -> None:
    sink = Kept()
    log = AccessLog(sink)
    books = Books(Telemetry("origin", 'o"1'), log)
    odd = answer("/v1/content/a?token=abc&x=1", 'p "q" \\ é')
    books.enter(odd, "127.0.0.1", AT, 0.0123456, "client-gone")
    books.enter(answer(agent=None), "::1", AT, 0.0, "")
    books.settle()
    await log.flush()
    common = {"time": AT, "tier": "origin", "node": 'o"1', "request_id": "id-1"}
    sent = {"status": 206, "bytes": 5}
    first = {
        **common,
        "client": "127.0.0.1",
        "method": "GET",
        "path": "/v1/content/a?token=abc&x=1",
        **sent,
        "duration_ms": 12.346,
        "range": "bytes=0-4",
        "user_agent": 'p "q" \\ é',
        "error": "client-gone",
    }
    second = {**common, "client": "::1", "method": "GET", "path": "/v1/content/a", **sent}
    second |= {"duration_ms": 0.0, "range": "bytes=0-4"}
    assert sink.data.decode() == f"{render_record(first)}\n{render_record(second)}\n"
    assert "abc" not in sink.data.decode()


def test_answers_are_counted_by_their_durations() -> None:
    telemetry = Telemetry("origin", "o")
    books = Books(telemetry, AccessLog(None))
    for seconds in (0.0005, 0.001, 0.002, 40.0, 500.0):
        books.enter(answer(), "a", AT, seconds, "")
    books.enter(answer(), "a", AT, 0.0, "unavailable")
    books.settle()
    labels = {"tier": "origin", "method": "GET", "route": "/v1/content/{key}"}
    name = "cinedge_request_duration_seconds"
    assert telemetry.value("cinedge_requests_total", status="206", **labels) == 6
    assert telemetry.value(f"{name}_bucket", le="0.001", **labels) == 3
    assert telemetry.value(f"{name}_bucket", le="120.0", **labels) == 5
    assert telemetry.value(f"{name}_count", **labels) == 6
    assert telemetry.value(f"{name}_sum", **labels) == 540.0035
    assert (
        telemetry.value("cinedge_response_bytes_total", tier="origin", route=labels["route"]) == 30
    )
    assert telemetry.value("cinedge_errors_total", tier="origin", code="unavailable") == 1
    cut = {"tier": "origin", "reason": "cut-answer"}
    assert telemetry.value("cinedge_connections_closed_total", **cut) == 1


def test_many_entries_are_not_left_for_one_moment() -> None:
    telemetry = Telemetry("origin", "o")
    books = Books(telemetry, AccessLog(None))
    for _ in range(ENTRIES_MAX):
        books.enter(answer(), "a", AT, 0.0, "")
    labels = {"method": "GET", "route": "/v1/content/{key}", "status": "206", "tier": "origin"}
    assert telemetry.value("cinedge_requests_total", **labels) == ENTRIES_MAX


def test_the_gauge_of_requests_in_flight_has_the_lanes_share() -> None:
    telemetry = Telemetry("origin", "o")
    books = Books(telemetry, AccessLog(None))
    telemetry.in_flight.inc()
    for busy in (5, 2, 0):
        books.show_busy(busy)
        assert telemetry.value("cinedge_requests_in_flight", tier="origin") == busy + 1
