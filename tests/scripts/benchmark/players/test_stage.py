"""Where players come from, and what they come to."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import yaml

from config.load import load_topology
from scripts.benchmark.players.stage import REGIONS, address_of, make_document


def test_every_region_has_as_many_players_and_addresses_are_loopback() -> None:
    addresses = [address_of(number) for number in range(3000)]
    assert all(ipaddress.ip_address(each).is_loopback for each in addresses)
    for region in range(len(REGIONS)):
        assert sum(each.startswith(f"127.{region + 1}.") for each in addresses) == 1000


def test_the_topology_is_one_that_can_be_run(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(yaml.safe_dump(make_document(tmp_path, 1 << 28, tmp_path)))
    topology = load_topology(path, {})
    assert [edge.site for edge in topology.edges] == list(REGIONS)
    assert len({edge.settings.access_log for edge in topology.edges}) == len(REGIONS)
