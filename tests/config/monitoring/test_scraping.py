"""Every process of a topology is scraped under its own name."""

from __future__ import annotations

from typing import Any

import yaml

from config.load import parse_topology
from config.monitoring.scraping import ALERTS_FILE, scraping

TOPOLOGY = """
sites: [{name: fra, latitude: 50.1, longitude: 8.7}]
origins: [{name: one, listen: "0.0.0.0:8000", url: "http://origin.example:8000", data: d}]
edges:
  - name: a
    site: fra
    listen: "127.0.0.1:1"
    admin: "127.0.0.1:2"
    disks: [{path: a, size_bytes: 1GiB}]
  - name: b
    site: fra
    listen: "[::]:3"
    url: "https://b.example"
    admin: "[::]:4"
    disks: [{path: b, size_bytes: 1GiB}]
  - {name: c, site: fra, listen: "127.0.0.1:5", disks: [{path: c, size_bytes: 1GiB}]}
routers: [{name: r, listen: "[::1]:6"}]
geo: {default_site: fra}
access_tokens:
  - {name: us, secret: a-token-of-more-than-32-characters, scopes: [upload, operate, purge, edge]}
"""


def scraped(text: str = TOPOLOGY) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(scraping(parse_topology(text, {}), "1s"))
    return loaded


def test_each_process_is_a_target_that_can_be_reached_from_elsewhere() -> None:
    (job,) = scraped()["scrape_configs"]
    found = {each["labels"]["node"]: each["targets"] for each in job["static_configs"]}
    assert found == {
        "one": ["origin.example:8000"],
        "a": ["127.0.0.1:2"],
        "b": ["b.example:4"],
        "r": ["[::1]:6"],
    }


def test_targets_are_labelled_with_tier_and_site() -> None:
    (job,) = scraped()["scrape_configs"]
    labels = {each["labels"]["node"]: each["labels"] for each in job["static_configs"]}
    assert labels["a"] == {"tier": "edge", "node": "a", "site": "fra"}
    assert labels["r"]["tier"] == "router"


def test_rules_and_intervals_are_named() -> None:
    found = scraped()
    assert found["rule_files"] == [ALERTS_FILE]
    assert found["global"] == {"scrape_interval": "1s", "evaluation_interval": "1s"}


def test_who_takes_tls_is_asked_in_it_and_known_by_our_authorities() -> None:
    tls = "tls: {certificate: c.pem, key: k.pem}"
    secure = TOPOLOGY.replace('url: "http://origin.example:8000",', f"{tls},")
    secure = secure.replace('admin: "127.0.0.1:2"', f'admin: "127.0.0.1:2"\n    admin_{tls}')
    secure = secure.replace("0.0.0.0:8000", "192.0.2.1:8000")
    (job,) = scraped(f"authorities: /ours.pem\n{secure}")["scrape_configs"]
    assert job["tls_config"] == {"ca_file": "/ours.pem"}
    schemes = {
        each["labels"]["node"]: each["labels"].get("__scheme__") for each in job["static_configs"]
    }
    assert schemes == {"one": "https", "a": "https", "b": None, "r": None}
    (job,) = scraped()["scrape_configs"]
    assert "tls_config" not in job
