"""The worker's counters as Prometheus metrics, read at the moment of the scrape."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge.account import Accounts
from edge.cache.holdings import Holdings
from edge.fill import Fills
from edge.server import Server


class EdgeCollector(Collector):
    """Renders totals that the parts keep as plain integers; nothing is formatted per request."""

    def __init__(
        self, accounts: Accounts, holdings: Holdings, fills: Fills, server: Server
    ) -> None:
        self._accounts = accounts
        self._holdings = holdings
        self._fills = fills
        self._server = server

    def collect(self) -> Iterable[Metric]:
        """All families of one worker."""
        requests = CounterMetricFamily(
            "cinedge_edge_requests",
            "Answers by cache outcome, reason and status.",
            labels=("outcome", "reason", "status"),
        )
        for (outcome, reason, status), count in self._accounts.counters.requests.items():
            requests.add_metric((outcome, reason, str(status)), count)
        yield requests
        sent = CounterMetricFamily(
            "cinedge_edge_sent_bytes",
            "Bytes of heads and content sent to viewers.",
            labels=("outcome", "reason"),
        )
        for (outcome, reason), count in self._accounts.counters.sent_bytes.items():
            sent.add_metric((outcome, reason), count)
        yield sent
        for name, doc, value in (
            ("cut_short", "Answers that ended early.", self._accounts.counters.cut_short),
            ("fills", "Range requests made to upstreams.", self._fills.started_total),
            ("fill_failures", "Fills that ended in an error.", self._fills.failed_total),
            ("fill_bytes", "Bytes received into blocks.", self._fills.received_bytes_total),
            ("evicted_blocks", "Blocks that had to go.", self._holdings.evicted_blocks_total),
            ("evicted_bytes", "Bytes of them.", self._holdings.evicted_bytes_total),
            ("corrupt_blocks", "Blocks dropped as damaged.", self._holdings.corrupt_blocks_total),
            ("connections", "Client connections taken.", self._server.accepted_total),
            ("turned_away", "Connections over the limit.", self._server.turned_away_total),
        ):
            yield CounterMetricFamily(f"cinedge_edge_{name}", doc, value=value)
        for name, doc, value in (
            ("open_connections", "Client connections.", len(self._server.connections)),
            ("held_bytes", "Bytes of blocks held.", self._holdings.held_bytes),
            ("held_blocks", "Blocks held.", self._holdings.held_blocks),
            ("entries", "Versions of content known.", len(self._holdings.entries)),
        ):
            yield GaugeMetricFamily(f"cinedge_edge_{name}", doc, value=value)
