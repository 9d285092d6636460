"""`cinedge recommend` over a real HDFS that loses DataNodes: viewers keep what they are shown, the
complaint is one line that names the file, and the rerun ends the work.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from origin.batch.destination import open_destination
from origin.batch.shelf import PLAN, snapshot_ids
from origin.catalog import recommended
from scripts.hadoop.cluster import HdfsCluster
from tests.helpers.batch_job import add_evening, command, fill, in_catalog, shown_runs
from tests.helpers.hdfs import running_hdfs
from tests.helpers.processes import Running, wait_until

pytest.importorskip("hdfs_native")


@pytest.fixture
def hdfs() -> Iterator[HdfsCluster]:
    with running_hdfs() as cluster:
        yield cluster


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/catalog.sqlite"
    fill(url)
    return url


def recommend(catalog: str, place: str) -> str:
    done = subprocess.run(
        command(catalog, place), capture_output=True, text=True, check=True, timeout=200
    )
    run: str = json.loads(done.stdout)["run"]
    return run


def plans(place: str) -> set[str]:
    shelf = open_destination(place)
    return {each for each in shelf.names("") if shelf.size_bytes(f"{each}/{PLAN}") is not None}


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("killed", [(0,), (0, 1)], ids=["one", "all"])
def test_datanodes_killed_during_the_snapshot_change_nothing_and_the_rerun_ends_it(
    hdfs: HdfsCluster, catalog: str, killed: tuple[int, ...]
) -> None:
    place = f"{hdfs.url}/batch"
    before = recommend(catalog, place)
    add_evening(catalog)
    known = plans(place)
    with Running(command(catalog, place)) as job:
        wait_until(lambda: bool(plans(place) - known), "the next snapshot is begun", 100)
        job.ask_to_stop(signal.SIGSTOP)
        assert len(snapshot_ids(open_destination(place))) == 1
        for number in killed:
            hdfs.kill_datanode(number)
        job.ask_to_stop(signal.SIGCONT)
        code = job.end(200)
    if code == 0:
        assert killed == (0,)
        before = shown_runs(catalog)["control"]
    else:
        (complaint,) = job.stderr
        assert f"{place}/" in complaint
    assert shown_runs(catalog) == {"control": before}
    for number in killed:
        hdfs.restart_datanode(number)
    after = recommend(catalog, place)
    assert shown_runs(catalog) == {"control": after}
    assert after != before or code == 0
    assert all(run.is_finished for run in in_catalog(catalog, recommended.list_runs))
