from __future__ import annotations

from pathlib import Path

import pytest

from config.complaints import TopologyError
from config.eviction import Eviction
from config.load import load_topology

EDGE = """\
version: 1
sites: [{name: fra, latitude: 50, longitude: 8}]
origins: [{name: origin-1, listen: "127.0.0.1:8000", data: data}]
edge_settings: {eviction: {policy: duel, half_life_seconds: 12h}}
edges:
  - name: edge-1
    site: fra
    listen: 127.0.0.1:9001
    disks:
      - {path: a}
      - {path: b, eviction: {policy: %s, admission: second}}
"""


def test_a_disk_may_depart_from_what_the_edge_does(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(EDGE % "s3fifo")
    edge = load_topology(str(tmp_path / "t.yaml"), {}).edges[0]
    assert edge.settings.eviction == Eviction("duel", half_life_seconds=12 * 3600)
    assert [disk.eviction for disk in edge.disks] == [None, Eviction("s3fifo", "second")]


def test_a_policy_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(EDGE % "belady")
    with pytest.raises(TopologyError, match=r"disks\[1\]\.eviction\.policy"):
        load_topology(str(tmp_path / "t.yaml"), {})
