"""A cluster keeps what was written while a DataNode is away, and says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdnkit.errors import UnavailableError
from origin.batch.destination import open_destination
from scripts.hadoop import cluster
from tests.helpers.hdfs import running_hdfs
from tests.helpers.processes import wait_until

_HEARD = "addStoredBlock: blockMap updated"


def test_file_is_read_while_one_datanode_is_dead() -> None:
    content = bytes(range(256)) * 8_000
    with running_hdfs() as hdfs:
        place = open_destination(f"{hdfs.url}/films")
        place.put("film", [content])
        # Of a copy that the NameNode has not heard of yet it tells nobody.
        wait_until(lambda: hdfs.said("namenode").count(_HEARD) == 2, "both copies are known")
        hdfs.kill_datanode(1)
        assert b"".join(place.read("film")) == content


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CINEDGE_HADOOP_JARS", str(tmp_path))
    with (
        pytest.raises(UnavailableError, match=r"scripts\.hadoop\.jars|Java is not installed"),
        cluster.hdfs_cluster(tmp_path / "root"),
    ):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cluster.missing({}) == "Java is not installed"
