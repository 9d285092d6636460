"""Claims about which files nodes write."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import parse_topology
from config.topology import Topology
from scripts.cli.errors import UsageError
from scripts.logs.places import log_files

_TOPOLOGY = """\
sites: [{name: fra, latitude: 50, longitude: 8}]
origins: [{name: o, listen: "127.0.0.1:1", data: d, access_log: o.jsonl}]
edges:
  - {name: e1, site: fra, listen: "127.0.0.1:2", disks: [{path: a}], settings: {access_log: e}}
  - {name: e2, site: fra, listen: "127.0.0.1:3", disks: [{path: b}], settings: {access_log: e}}
  - {name: e3, site: fra, listen: "127.0.0.1:4", disks: [{path: c}], settings: {access_log: "-"}}
"""


@pytest.fixture
def topology() -> Topology:
    return parse_topology(_TOPOLOGY, {}, folder="/logs")


def test_each_file_is_listed_once_with_who_writes_it(topology: Topology) -> None:
    assert log_files(topology) == {Path("/logs/o.jsonl"): ["o"], Path("/logs/e"): ["e1", "e2"]}


def test_only_files_of_the_nodes_that_were_named(topology: Topology) -> None:
    assert log_files(topology, ["e2"]) == {Path("/logs/e"): ["e2"]}


def test_a_name_that_is_near_is_offered(topology: Topology) -> None:
    with pytest.raises(UsageError, match="no node is called 'e11'; did you mean 'e1'"):
        log_files(topology, ["e11"])


def test_a_node_without_a_file_is_said(topology: Topology) -> None:
    with pytest.raises(UsageError, match="e3: no access_log names a file"):
        log_files(topology, ["e3"])
