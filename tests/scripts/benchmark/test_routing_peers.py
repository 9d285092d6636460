"""Peers of the router: what they are told is what ours is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.load import load_topology
from scripts.benchmark.peers import Site
from scripts.benchmark.routing_peers import nginx_redirects, powerdns, write_dns_topology
from scripts.benchmark.stage import CINEDGE
from scripts.cli.errors import FailedError


def test_the_topology_is_sound_and_powerdns_gets_its_zone(tmp_path: Path) -> None:
    path = write_dns_topology(tmp_path, 8080, 5353, 9000)
    topology = load_topology(path, os.environ)
    assert topology.routers[0].dns is not None
    site = Site(tmp_path / "powerdns", 5354, 0, 1)
    command = powerdns(site, path, CINEDGE)
    assert str(command.words[1]).endswith(str(site.folder))
    zones = (site.folder / "zones.yaml").read_text()
    assert '"play7.cdn.example"' in zones
    assert "127.0.0.1" in zones
    assert "local-port=5354" in (site.folder / "pdns.conf").read_text()


def test_a_topology_that_cannot_be_exported_is_told(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="topology export"):
        powerdns(Site(tmp_path, 1, 0, 1), tmp_path / "nothing.yaml", CINEDGE)


def test_nginx_chooses_by_address_and_returns_302(tmp_path: Path) -> None:
    nginx_redirects(Site(tmp_path, 8081, 0, 1), "http://127.0.0.1:9000")
    text = (tmp_path / "nginx.conf").read_text()
    assert "geo $edge" in text
    assert "return 302 $edge$request_uri;" in text
