"""Claims about the file of a running process."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.complaints import TopologyError
from config.node_file import NodeFile, digest_of

_TEXT = """\
sites: [{name: fra, latitude: 50, longitude: 8}]
edges: [{name: e1, site: fra, listen: "127.0.0.1:9001", disks: [{path: cache}]}]
routes: [{upstream: ["http://127.0.0.1:1"]}]
"""


def file_at(path: Path, name: str = "e1") -> NodeFile:
    return NodeFile(path, "edges", name, {})


def test_what_was_read_has_a_name_and_is_known_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(_TEXT)
    file = file_at(path)
    assert (file.digest, file.known) == ("", None)
    node, topology = file.read()
    assert node is topology.edges[0]
    assert file.digest == digest_of(path.read_bytes())
    assert file.known == file.stamp()
    path.write_text(_TEXT + "name: other\n")
    assert file.known != file.stamp()
    path.unlink()
    assert file.stamp() is None


def test_a_node_that_is_gone_is_a_mistake_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(_TEXT)
    file = file_at(path)
    file.read()
    known = file.digest
    path.write_text(_TEXT.replace("name: e1", "name: e2"))
    with pytest.raises(TopologyError, match=r"names no edge 'e1' any more; known: e2"):
        file.read()
    assert file.digest == known


def test_a_process_may_begin_with_a_file_that_is_not_in_place_yet(tmp_path: Path) -> None:
    path, coming = tmp_path / "run" / "topology.yaml", tmp_path / "next.yaml"
    path.parent.mkdir()
    path.write_text(_TEXT.replace("name: e1", "name: e2"))
    coming.write_text(_TEXT)
    file = file_at(path)
    node, topology = file.read(coming)
    assert (node.name, topology.edges[0].disks[0].path) == ("e1", str(path.parent / "cache"))
    # What stands in its place now is not news: only what comes there is.
    assert file.known == file.stamp()
