"""The edge's totals as Prometheus metrics, read at the moment of the scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge.diskroom import kind_metrics
from edge.players import player_metrics
from edge.totals import Totals

_COUNTS: Final = {
    "egress_bytes": "Bytes sent to viewers, answers under way included.",
    "cut_short": "Answers that ended early.",
    "fills": "Range requests made to upstreams.",
    "fill_failures": "Fills that ended in an error.",
    "fill_bytes": "Bytes received into blocks.",
    "origin_bytes": "Those of them that came from no edge of ours.",
    "evicted_blocks": "Blocks that had to go.",
    "evicted_bytes": "Bytes of them.",
    "corrupt_blocks": "Blocks dropped as damaged.",
    "passed_by_blocks": "Blocks served that the policy would not have written.",
    "connections": "Client connections taken.",
    "turned_away": "Connections over the limit.",
    "log_dropped": "Lines that the access log could not take.",
    "spans_sent": "Spans that a collector of traces has taken.",
    "spans_dropped": "Spans that it has not.",
    "accept_pauses": "Times no connection could be taken for want of descriptors or memory.",
}
_EVICTIONS: Final = {
    "blocks": "Blocks that had to go, by the rule that said so.",
    "bytes": "Bytes of them.",
    "idle_seconds": "Time since their last use, added up: over blocks, their age.",
}
_LEVELS: Final = {
    "open_connections": "Client connections.",
    "streams": "Answers under way.",
    "held_bytes": "Bytes of blocks held.",
    "held_blocks": "Blocks held.",
    "pinned_bytes": "Bytes of blocks that stay whatever comes.",
    "entries": "Versions of content known.",
}


class EdgeCollector(Collector):
    """Renders `totals()`, which is of all workers of the edge."""

    def __init__(self, totals: Callable[[], Totals]) -> None:
        self._totals = totals

    def collect(self) -> Iterable[Metric]:
        """All families."""
        totals = self._totals()
        requests = CounterMetricFamily(
            "cinedge_edge_requests",
            "Answers by cache outcome, reason and status.",
            labels=("outcome", "reason", "status"),
        )
        for (outcome, reason, status), count in totals.requests.items():
            requests.add_metric((outcome, reason, str(status)), count)
        yield requests
        sent = CounterMetricFamily(
            "cinedge_edge_sent_bytes",
            "Bytes of heads and content sent to viewers.",
            labels=("outcome", "reason"),
        )
        for (outcome, reason), count in totals.sent_bytes.items():
            sent.add_metric((outcome, reason), count)
        yield sent
        for what, doc in _EVICTIONS.items():
            gone = CounterMetricFamily(f"cinedge_edge_eviction_{what}", doc, labels=("rule",))
            for (rule, measure), count in totals.evictions.items():
                if measure == what:
                    gone.add_metric((rule,), count)
            yield gone
        ruling = GaugeMetricFamily(
            "cinedge_edge_ruling", "Disks on which each rule decides now.", labels=("rule",)
        )
        for rule, count in totals.ruling.items():
            ruling.add_metric((rule,), count)
        yield ruling
        for name, doc in _COUNTS.items():
            yield CounterMetricFamily(f"cinedge_edge_{name}", doc, value=totals.counts[name])
        yield from player_metrics(totals.players)
        yield from kind_metrics(totals.rooms)
        for name, doc in _LEVELS.items():
            yield GaugeMetricFamily(f"cinedge_edge_{name}", doc, value=totals.levels[name])
