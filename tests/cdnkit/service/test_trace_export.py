"""Spans reach a collector as OpenTelemetry has them; one that is away costs spans alone."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable

import pytest

from cdnkit.errors import UnavailableError
from cdnkit.service.trace_export import BATCH_SPANS, Exporter, Send, open_exporter
from cdnkit.service.tracing import Kind, Span, Tracer
from cdnkit.trace_context import Parent
from tests.helpers.collector import Collector
from tests.helpers.processes import wait_until


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the imports of the thread alone may take seconds."""
    monkeypatch.setattr("cdnkit.service.trace_export.CLOSE_SECONDS", 60.0)


def tracer(keep: Callable[[Span], None]) -> Tracer:
    ids = iter(range(1, 10**6))
    return Tracer(1.0, [], 10**6, keep, lambda bits: next(ids))


def spans(count: int) -> list[Span]:
    kept: list[Span] = []
    made = tracer(kept.append)
    for _ in range(count):
        span = made.begin("GET", None, believed=False, request_id=None)
        assert span is not None
        span.end()
    return kept


def test_a_collector_gets_every_member_of_a_span() -> None:
    with Collector() as collector:
        with open_exporter(collector.url, "edge", "e1") as exporter:
            made = tracer(exporter.keep)
            root = made.begin("GET", Parent(0xA, 0xB, True, "x=1"), believed=True, request_id=None)
            assert root is not None
            child = root.child("ask", Kind.CLIENT, {"cinedge.upstream": "o", "n": 7, "yes": True})
            child.error = "upstream-failed"
            child.end()
            root.end()
        assert exporter.sent_total == 2
        ask, get = collector.spans
    assert (get.tier, get.node, get.name, get.failed) == ("edge", "e1", "GET", False)
    assert (get.trace, get.parent, get.state) == (f"{0xA:032x}", f"{0xB:016x}", "x=1")
    assert (ask.trace, ask.parent, ask.failed) == (get.trace, get.span, True)
    assert ask.facts == {"cinedge.upstream": "o", "n": 7, "yes": True}
    assert get.seconds >= ask.seconds > 0


def test_what_comes_beyond_the_bound_is_dropped_at_once() -> None:
    opened, asked = threading.Event(), threading.Event()

    def send(batch: list[Span]) -> bool:
        asked.set()
        return opened.wait(30)

    with Exporter(lambda: send, spans_max=BATCH_SPANS, interval_seconds=0.01) as exporter:
        first, rest = spans(1), spans(BATCH_SPANS + 50)
        exporter.keep(first[0])
        assert asked.wait(30)
        for span in rest:
            exporter.keep(span)
        assert exporter.dropped_total == 50
        opened.set()
    assert exporter.sent_total == 1 + BATCH_SPANS


def test_an_exporter_that_raises_goes_on() -> None:
    tries: list[int] = []

    def send(batch: list[Span]) -> bool:
        tries.append(len(batch))
        if len(tries) == 1:
            raise OSError("away")
        return True

    with Exporter(lambda: send, interval_seconds=0.01) as exporter:
        exporter.keep(spans(1)[0])
        wait_until(lambda: exporter.dropped_total == 1, "the first batch is lost", 10)
        exporter.keep(spans(1)[0])
        wait_until(lambda: exporter.sent_total == 1, "the next one arrives", 10)


def test_a_collector_that_never_answers_keeps_no_process_from_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cdnkit.service.trace_export.CLOSE_SECONDS", 0.05)
    never = threading.Event()
    exporter = Exporter(lambda: lambda batch: never.wait(60), interval_seconds=0.01)
    with exporter:
        exporter.keep(spans(1)[0])
        wait_until(lambda: not exporter._waiting, "the batch is on its way", 10)
        began = time.monotonic()
    assert time.monotonic() - began < 30
    assert exporter.sent_total == 0
    never.set()


def test_without_the_extra_a_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"cinedge\[traces\]"):
        open_exporter("http://127.0.0.1:1/v1/traces", "edge", "e1")


def test_an_exporter_that_cannot_be_made_hurts_nobody() -> None:
    def make() -> Send:
        raise ImportError("half an installation")

    with Exporter(make, spans_max=3) as exporter:
        for span in spans(5):
            exporter.keep(span)
    assert (exporter.sent_total, exporter.dropped_total) == (0, 2)
