"""Figures of one process for Prometheus: requests, durations, bytes, and what a tier adds.

Each `Telemetry` has a registry of its own, so that several processes' worth of them can live in
one test. Label values are bounded: routes are templates, methods are known ones, never raw paths.
"""

from __future__ import annotations

import platform
from bisect import bisect_left
from collections import Counter as Counting
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

DURATION_BUCKETS_SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
)  # fmt: skip
_METHODS: Final = frozenset(
    {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)
_PREFIX: Final = "cinedge_"
_M = TypeVar("_M", Counter, Gauge, Histogram)


@dataclass(frozen=True, slots=True)
class _Bound:
    requests: Counter
    duration: Histogram
    sent: Counter


class Telemetry:
    """The registry of one process, its request metrics, and factories for a tier's own."""

    def __init__(self, tier: str, node: str, *, version: str | None = None) -> None:
        self.tier = tier
        self.node = node
        self.registry = CollectorRegistry()
        self._own: dict[str, Counter | Gauge | Histogram] = {}
        self._bound: dict[tuple[str, str, int], _Bound] = {}
        self._errors: dict[str, Counter] = {}
        self._closed: dict[str, Counter] = {}
        ProcessCollector(registry=self.registry)
        self._requests = self.counter(
            "cinedge_requests_total", "Requests answered.", ("tier", "method", "route", "status")
        )
        self._durations = self.histogram(
            "cinedge_request_duration_seconds",
            "From the request head to the last byte written.",
            ("tier", "method", "route"),
            buckets=DURATION_BUCKETS_SECONDS,
        )
        self._sent = self.counter(
            "cinedge_response_bytes_total", "Body bytes written to clients.", ("tier", "route")
        )
        self.in_flight = self.gauge(
            "cinedge_requests_in_flight", "Requests being answered.", ("tier",)
        ).labels(tier)
        self.connections = self.gauge(
            "cinedge_connections", "Client connections open.", ("tier",)
        ).labels(tier)
        self._errors_family = self.counter(
            "cinedge_errors_total", "Failed requests by problem code.", ("tier", "code")
        )
        self._closed_family = self.counter(
            "cinedge_connections_closed_total",
            "Client connections that were cut, by reason.",
            ("tier", "reason"),
        )
        build = self.gauge(
            "cinedge_build_info", "What runs here; always 1.", ("tier", "node", "version", "python")
        )
        build.labels(tier, node, version or _own_version(), platform.python_version()).set(1)

    def observe_request(
        self,
        method: str,
        route: str,
        status: int,
        duration_seconds: float,
        sent_bytes: int,
        *,
        times: int = 1,
    ) -> None:
        """Count answered requests that are alike. `route` is the template, never the path."""
        key = (method, route, status)
        bound = self._bound.get(key)
        if bound is None:
            bound = self._bind(method if method in _METHODS else "OTHER", route, status)
            if method in _METHODS:
                self._bound[key] = bound
        bound.requests.inc(times)
        for _ in range(times):
            bound.duration.observe(duration_seconds)
        if sent_bytes:
            bound.sent.inc(sent_bytes)

    def observe_requests(
        self,
        method: str,
        status: int,
        route: str,
        durations_seconds: Sequence[float],
        sent_bytes: int,
    ) -> None:
        """Count answered requests of one kind, however long each took."""
        key = (method, route, status)
        bound = self._bound.get(key)
        if bound is None:
            bound = self._bound[key] = self._bind(method, route, status)
        bound.requests.inc(len(durations_seconds))
        bound.sent.inc(sent_bytes)
        # One by one takes 4 us each, for most of them in the first bucket's neighbourhood.
        histogram: Any = bound.duration
        histogram._sum.inc(sum(durations_seconds))
        counts = Counting(bisect_left(DURATION_BUCKETS_SECONDS, each) for each in durations_seconds)
        for index, count in counts.items():
            histogram._buckets[index].inc(count)

    def count_error(self, code: str) -> None:
        """Count one failed request by its problem code."""
        child = self._errors.get(code)
        if child is None:
            child = self._errors[code] = self._errors_family.labels(self.tier, code)
        child.inc()

    def count_closed(self, reason: str) -> None:
        """Count one client connection that was cut."""
        child = self._closed.get(reason)
        if child is None:
            child = self._closed[reason] = self._closed_family.labels(self.tier, reason)
        child.inc()

    def counter(self, name: str, doc: str, labels: Sequence[str] = ()) -> Counter:
        """A counter of this process; asked twice for one name, the same one."""
        found = self._find(name, Counter)
        return found or self._keep(name, Counter(name, doc, labels, registry=self.registry))

    def gauge(self, name: str, doc: str, labels: Sequence[str] = ()) -> Gauge:
        """A gauge of this process; asked twice for one name, the same one."""
        found = self._find(name, Gauge)
        return found or self._keep(name, Gauge(name, doc, labels, registry=self.registry))

    def histogram(
        self,
        name: str,
        doc: str,
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float] = DURATION_BUCKETS_SECONDS,
    ) -> Histogram:
        """A histogram of this process; asked twice for one name, the same one."""
        found = self._find(name, Histogram)
        if found is not None:
            return found
        made = Histogram(name, doc, labels, buckets=buckets, registry=self.registry)
        return self._keep(name, made)

    def value(self, name: str, **labels: str) -> float:
        """The present value of one sample; 0.0 when nothing was counted yet."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def render(self) -> tuple[str, bytes]:
        """Content type and body of a scrape."""
        return CONTENT_TYPE_LATEST, generate_latest(self.registry)

    def _bind(self, method: str, route: str, status: int) -> _Bound:
        return _Bound(
            self._requests.labels(self.tier, method, route, str(status)),
            self._durations.labels(self.tier, method, route),
            self._sent.labels(self.tier, route),
        )

    def _find(self, name: str, kind: type[_M]) -> _M | None:
        found = self._own.get(name)
        if found is None:
            if not name.startswith(_PREFIX):
                raise ValueError(f"metric {name!r} does not begin with {_PREFIX!r}")
            return None
        if not isinstance(found, kind):
            raise ValueError(f"metric {name!r} exists with another type")
        return found

    def _keep(self, name: str, metric: _M) -> _M:
        self._own[name] = metric
        return metric


def _own_version() -> str:
    try:
        return package_version("cinedge")
    except PackageNotFoundError:
        return "unknown"
