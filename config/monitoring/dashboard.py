"""A dashboard for Grafana: what a fleet does, tier by tier. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

_WIDTH: Final = 8
"""Three panels a row; a dashboard is 24 wide."""
_HEIGHT: Final = 8
_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart: lines by query, each named by labels in braces, in a unit of Grafana's."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]


_HAD: Final = 'outcome=~"hit|stale|revalidated"'
_CONTENT: Final = 'outcome!="own"'
PANELS: Final = (
    Panel(
        "Sent to players",
        "binBps",
        (("sum by (node) (rate(cinedge_edge_egress_bytes_total[5m]))", "{{node}}"),),
    ),
    Panel(
        "Fetched from origins",
        "binBps",
        (("sum by (node) (rate(cinedge_edge_fill_bytes_total[5m]))", "{{node}}"),),
    ),
    Panel(
        "Share of bytes at hand",
        "percentunit",
        (
            (
                f"sum by (node) (rate(cinedge_edge_sent_bytes_total{{{_HAD}}}[5m]))"
                f" / sum by (node) (rate(cinedge_edge_sent_bytes_total{{{_CONTENT}}}[5m]))",
                "{{node}}",
            ),
        ),
    ),
    Panel(
        "Bytes by why they were not at hand",
        "binBps",
        (
            (
                "sum by (outcome, reason) (rate("
                'cinedge_edge_sent_bytes_total{outcome!~"hit|own"}[5m]))',
                "{{outcome}} {{reason}}",
            ),
        ),
    ),
    Panel(
        "Answers by status",
        "reqps",
        (("sum by (status) (rate(cinedge_edge_requests_total[5m]))", "{{status}}"),),
    ),
    Panel(
        "Streams and connections",
        "short",
        (
            ("sum by (node) (cinedge_edge_streams)", "{{node}} streams"),
            ("sum by (node) (cinedge_edge_open_connections)", "{{node}} connections"),
        ),
    ),
    Panel(
        "Held on disk",
        "bytes",
        (("sum by (node) (cinedge_edge_held_bytes)", "{{node}}"),),
    ),
    Panel(
        "Age of what leaves",
        "s",
        (
            (
                "sum by (node) (rate(cinedge_edge_eviction_idle_seconds_total[1h]))"
                " / sum by (node) (rate(cinedge_edge_eviction_blocks_total[1h]))",
                "{{node}} unused before",
            ),
        ),
    ),
    Panel(
        "Fills that fail",
        "reqps",
        (("sum by (node) (rate(cinedge_edge_fill_failures_total[5m]))", "{{node}}"),),
    ),
    Panel(
        "Edges in rotation",
        "short",
        (('max by (edge) (cinedge_router_edge_state{state="up"})', "{{edge}}"),),
    ),
    Panel(
        "Where viewers are sent",
        "reqps",
        (("sum by (site) (rate(cinedge_router_decisions_total[5m]))", "{{site}}"),),
    ),
    Panel(
        "Probes, 99 %",
        "s",
        (
            (
                "histogram_quantile(0.99, sum by (le)"
                " (rate(cinedge_router_probe_seconds_bucket[5m])))",
                "all edges",
            ),
        ),
    ),
    Panel(
        "Origin: answers by status",
        "reqps",
        (
            (
                'sum by (status) (rate(cinedge_requests_total{tier="origin"}[5m]))',
                "{{status}}",
            ),
        ),
    ),
    Panel(
        "Origin: used by volume",
        "bytes",
        (("sum by (node, volume) (cinedge_store_volume_used_bytes)", "{{node}} {{volume}}"),),
    ),
    Panel(
        "Processor",
        "percentunit",
        (
            (
                'sum by (node) (rate(process_cpu_seconds_total{job="cinedge"}[5m]))',
                "{{node}}",
            ),
        ),
    ),
    Panel(
        "Memory",
        "bytes",
        (('sum by (node) (process_resident_memory_bytes{job="cinedge"})', "{{node}}"),),
    ),
)


def dashboard() -> str:
    """The text of a dashboard; Grafana asks which Prometheus is meant."""
    document: dict[str, Any] = {
        "title": "Cinedge",
        "uid": "cinedge-fleet",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": [_panel(number, panel) for number, panel in enumerate(PANELS)],
    }
    return json.dumps(document, indent=2) + "\n"


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, 24 // _WIDTH)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend,
            }
            for at, (expression, legend) in enumerate(panel.queries)
        ],
    }
