"""A real object store for the tests of stores, started when the first one asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.seaweedfs import SeaweedFS, seaweedfs_cluster


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[SeaweedFS]:
    """One cluster for all tests; each takes a prefix of its own."""
    with seaweedfs_cluster() as cluster:
        yield cluster
