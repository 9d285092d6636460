"""Which jars are taken out of the sources, and when they count as fetched."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from scripts.hadoop.jars import find_jars, is_needed, jars_folder, unpack

NEEDED = ("hadoop-hdfs-2.7.3.jar", "commons-lang-2.6.jar", "jetty-6.1.26.jar", "netty-3.9.9.jar")
OTHERS = ("hadoop-client-2.7.3.jar", "commons-lang3-3.5.jar", "spark-core_2.11-2.4.8.jar", "log4j")


def test_only_what_hdfs_needs_is_taken(tmp_path: Path) -> None:
    archive = tmp_path / "sources.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        for name in (*NEEDED, *OTHERS):
            member = tarfile.TarInfo(f"pyspark-2.4.8/deps/jars/{name}")
            member.size = len(name)
            packed.addfile(member, io.BytesIO(name.encode()))
    folder = tmp_path / "jars"
    assert unpack(archive, folder) == len(NEEDED)
    found = find_jars({"CINEDGE_HADOOP_JARS": str(folder)})
    assert [path.name for path in found] == sorted(NEEDED)
    assert all(path.read_text() == path.name for path in found)
    assert not any(is_needed(name) for name in OTHERS)


def test_half_a_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "guava-14.0.1.jar").touch()
    assert find_jars({"CINEDGE_HADOOP_JARS": str(tmp_path)}) == []


def test_jars_lie_in_the_cache_folder(tmp_path: Path) -> None:
    assert jars_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/cinedge/hadoop-2.7.3")
    assert jars_folder({"CINEDGE_HADOOP_JARS": "/j"}) == Path("/j")
    assert jars_folder({}) == Path.home() / ".cache/cinedge/hadoop-2.7.3"
