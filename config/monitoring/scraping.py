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
        "scrape_configs": [
            {"job_name": JOB, "static_configs": _targets(topology), **_trust(topology)}
        ],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _trust(topology: Topology) -> dict[str, Any]:
    file = topology.authorities
    return {"tls_config": {"ca_file": file}} if file else {}


def _targets(topology: Topology) -> list[dict[str, Any]]:
    found = [
        (tier, node.name, "", node.tls, node.listen, node.url)
        for tier, nodes in (("origin", topology.origins), ("router", topology.routers))
        for node in nodes
    ]
    found += [
        ("edge", node.name, node.site, node.admin_tls, node.admin, node.url)
        for node in topology.edges
        if node.admin is not None
    ]
    return [
        {
            "targets": [str(reachable(address, url))],
            "labels": {"tier": tier, "node": name}
            | ({"site": site} if site else {})
            | ({"__scheme__": "https"} if tls is not None else {}),
        }
        for tier, name, site, tls, address, url in found
    ]
