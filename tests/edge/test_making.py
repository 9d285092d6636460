"""Parts of a worker that follow from its node."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from cdnkit.service.logs import open_log
from config.topology import Address, CacheDisk, EdgeNode, Topology
from edge.making import make_disks, make_lane
from edge.rulebook import rules_of

NODE = EdgeNode("e1", "here", Address("127.0.0.1", 1), (CacheDisk("/a", 5), CacheDisk("/b", 7)))


def test_a_node_has_its_disks_with_the_shelves_of_a_worker() -> None:
    disks = make_disks(NODE, range(3, 5))
    assert [(disk.path, disk.size_bytes) for disk in disks] == [(Path("/a"), 5), (Path("/b"), 7)]
    assert all(disk.shelves == range(3, 5) for disk in disks)


def test_a_lane_writes_lines_only_where_there_is_a_log(tmp_path: Path) -> None:
    rules = rules_of(NODE, Topology(), lambda: 0.0)
    answers = cast(Any, type("Answers", (), {"lane_heads": None}))
    assert make_lane(NODE, rules, answers, open_log(""), 0).log is None
    assert make_lane(NODE, rules, answers, open_log(str(tmp_path / "log")), 0).log is not None
