"""Both places that snapshots are kept in, and a catalog with a log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from origin.batch.destination import Destination, Folder, open_destination
from origin.catalog.database import Database, open_database, parse_database_url
from scripts.hadoop.cluster import HdfsCluster
from tests.helpers.hdfs import QUICK_JAVA, running_hdfs

_folders = count()


@pytest.fixture(scope="session", autouse=True)
def quick_java() -> Iterator[None]:
    """Spark of these tests is over before the second compiler of Java pays: a third of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", QUICK_JAVA)
        yield


@pytest.fixture(scope="package")
def hdfs() -> Iterator[HdfsCluster]:
    """A cluster that a process's tests share; each has a folder of its own in it."""
    with running_hdfs() as cluster:
        yield cluster


@pytest.fixture(params=["folder", "hdfs"])
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> Destination:
    """An empty place of each kind."""
    if request.param == "folder":
        return Folder(tmp_path / "snapshots")
    cluster: HdfsCluster = request.getfixturevalue("hdfs")
    return open_destination(f"{cluster.url}/snapshots-{next(_folders)}")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A catalog's database with an empty log, of each kind."""
    opened = await open_database(parse_database_url(database_url, Path()))
    yield opened
    await opened.close()


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Database]:
    """The same, where it does not matter which kind."""
    opened = await open_database(parse_database_url("", tmp_path))
    yield opened
    await opened.close()
