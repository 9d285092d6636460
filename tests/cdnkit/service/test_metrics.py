"""Figures: what is counted, under which labels, and how it is rendered."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cdnkit.service.metrics import Telemetry


def test_a_request_is_counted_timed_and_weighed() -> None:
    telemetry = Telemetry("edge", "e1")
    telemetry.observe_request("GET", "/{key}", 206, 0.02, 500)
    telemetry.observe_request("GET", "/{key}", 206, 0.3, 0)
    labels = {"tier": "edge", "method": "GET", "route": "/{key}"}
    assert telemetry.value("cinedge_requests_total", status="206", **labels) == 2
    assert telemetry.value("cinedge_request_duration_seconds_count", **labels) == 2
    assert telemetry.value("cinedge_request_duration_seconds_bucket", le="0.025", **labels) == 1
    assert telemetry.value("cinedge_response_bytes_total", tier="edge", route="/{key}") == 500


def test_many_requests_at_once_are_counted_as_one_by_one() -> None:
    durations = [0.0, 0.001, 0.0011, 0.02, 119.0, 120.0, 500.0]
    one, many = Telemetry("edge", "e1"), Telemetry("edge", "e1")
    for seconds in durations:
        one.observe_request("GET", "/{key}", 206, seconds, 10)
    many.observe_requests("GET", 206, "/{key}", durations, 70)
    texts = [each.render()[1].decode().splitlines() for each in (one, many)]
    ours = [[line for line in text if 'route="/{key}"' in line] for text in texts]
    assert [line.split("_created")[0] for line in ours[0] if "_created" not in line] == [
        line for line in ours[1] if "_created" not in line
    ]
    assert len(ours[0]) > 15


def test_methods_that_clients_invent_share_one_label() -> None:
    telemetry = Telemetry("edge", "e1")
    for number in range(50):
        telemetry.observe_request(f"X{number}", "unmatched", 405, 0.0, 0)
    labels = {"tier": "edge", "method": "OTHER", "route": "unmatched", "status": "405"}
    assert telemetry.value("cinedge_requests_total", **labels) == 50
    assert b"X7" not in telemetry.render()[1]


def test_what_is_rendered_can_be_scraped() -> None:
    telemetry = Telemetry("origin", "o1", version="9.9")
    telemetry.count_error("not-found")
    telemetry.count_closed("head-timeout")
    content_type, body = telemetry.render()
    assert content_type.startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    build = families["cinedge_build_info"].samples[0]
    assert (build.labels["version"], build.labels["node"], build.value) == ("9.9", "o1", 1.0)
    assert families["cinedge_errors"].samples[0].labels["code"] == "not-found"
    assert families["cinedge_connections_closed"].samples[0].value == 1.0
    assert "process_resident_memory_bytes" in families


def test_two_processes_worth_of_figures_live_side_by_side() -> None:
    first, second = Telemetry("edge", "e1"), Telemetry("edge", "e2")
    first.count_error("x")
    assert second.value("cinedge_errors_total", tier="edge", code="x") == 0.0


def test_a_tier_adds_its_own_and_asking_again_gives_the_same() -> None:
    telemetry = Telemetry("edge", "e1")
    counter = telemetry.counter("cinedge_fills_total", "Fills.", ("why",))
    assert telemetry.counter("cinedge_fills_total", "Fills.", ("why",)) is counter
    gauge = telemetry.gauge("cinedge_cache_bytes", "Bytes.")
    assert telemetry.gauge("cinedge_cache_bytes", "Bytes.") is gauge
    histogram = telemetry.histogram("cinedge_fill_seconds", "Seconds.", buckets=(1.0,))
    assert telemetry.histogram("cinedge_fill_seconds", "Seconds.") is histogram
    counter.labels("cold").inc()
    assert telemetry.value("cinedge_fills_total", why="cold") == 1


def test_one_name_has_one_type_and_our_prefix() -> None:
    telemetry = Telemetry("edge", "e1")
    telemetry.counter("cinedge_fills_total", "Fills.")
    with pytest.raises(ValueError, match="another type"):
        telemetry.gauge("cinedge_fills_total", "Fills.")
    with pytest.raises(ValueError, match="does not begin"):
        telemetry.gauge("fills", "Fills.")
