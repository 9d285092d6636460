"""Prometheus' configuration for the processes of a topology. Pure."""

from __future__ import annotations

from typing import Any, Final

import yaml

from config.check_addresses import reachable
from config.topology import Topology

JOB: Final = "cinedge"
ALERTS_FILE: Final = "cinedge-alerts.yaml"
_SECONDS: Final = "15s"


def scraping(topology: Topology, interval: str = _SECONDS) -> str:
    """The text of prometheus.yaml; edges without an admin address cannot be scraped.

    Several workers that share a port are scraped as one of them (`docs/gaps.md`).
    """
    document = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [ALERTS_FILE],
        "scrape_configs": [{"job_name": JOB, "static_configs": _targets(topology)}],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _targets(topology: Topology) -> list[dict[str, Any]]:
    found = [("origin", node.name, "", node.listen, node.url) for node in topology.origins]
    found += [
        ("edge", node.name, node.site, node.admin, node.url)
        for node in topology.edges
        if node.admin is not None
    ]
    found += [("router", node.name, "", node.listen, node.url) for node in topology.routers]
    return [
        {
            "targets": [str(reachable(address, url))],
            "labels": {"tier": tier, "node": name} | ({"site": site} if site else {}),
        }
        for tier, name, site, address, url in found
    ]
