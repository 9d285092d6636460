"""A real HDFS for tests: a NameNode and two DataNodes, every block twice. Skipped by name where
Java or the jars are missing.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.hadoop.cluster import HdfsCluster, hdfs_cluster, missing

QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Options of a short run."""


@contextmanager
def running_hdfs() -> Iterator[HdfsCluster]:
    """A cluster over a temporary folder."""
    reason = missing(os.environ)
    if reason is not None:
        pytest.skip(reason)
    with (
        tempfile.TemporaryDirectory(prefix="hdfs-") as root,
        hdfs_cluster(Path(root)) as cluster,
    ):
        yield cluster
