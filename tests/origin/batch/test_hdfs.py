"""HDFS that loses a DataNode in the middle of a write, and one that is not there at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from cdnkit.errors import UnavailableError
from origin.batch.destination import CHUNK_BYTES
from origin.batch.hdfs import open_hdfs
from scripts.demo_topology import free_ports
from scripts.hadoop.cluster import HdfsCluster

CHUNKS = 24


def chunks(cluster: HdfsCluster, killed_at: int) -> Iterator[bytes]:
    for number in range(CHUNKS):
        if number == killed_at:
            cluster.kill_datanode(0)
        yield bytes([number]) * CHUNK_BYTES


def test_write_that_loses_a_datanode_is_whole_or_nothing_and_is_made_again(
    hdfs: HdfsCluster,
) -> None:
    place = open_hdfs(f"{hdfs.url}/lossy")
    refusal = ""
    try:
        place.put("film", chunks(hdfs, killed_at=8))
    except UnavailableError as error:
        refusal = error.detail
    assert place.size_bytes("film") == (None if refusal else CHUNKS * CHUNK_BYTES)
    assert not refusal or f"cannot write {hdfs.url}/lossy/film" in refusal
    hdfs.restart_datanode(0)
    place.put("film", chunks(hdfs, killed_at=CHUNKS))
    expected = hashlib.sha256(b"".join(bytes([n]) * CHUNK_BYTES for n in range(CHUNKS)))
    found = hashlib.sha256(b"".join(place.read("film")))
    assert found.hexdigest() == expected.hexdigest()
    assert place.names("") == ["film"]


def test_cluster_that_is_not_there_is_named() -> None:
    address = f"hdfs://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(UnavailableError, match=f"no NameNode answers at {address}"):
        open_hdfs(f"{address}/x")
