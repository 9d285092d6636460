"""`cinedge recommend` killed at each stage: nothing is shown by half, a rerun ends it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from origin.catalog import recommended
from tests.helpers.batch_job import PROFILES, command, fill, in_catalog, shown_runs
from tests.helpers.processes import Running, wait_until


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/catalog.sqlite"
    fill(url)
    return url


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_each_stage_nothing_is_shown_by_half(catalog: str, tmp_path: Path) -> None:
    place = tmp_path / "batch"
    signs = ("*/titles/part-*", "*/plan.json", "*/activity/*/_day.json", "*/manifest.json",
             "*/results/results.json")  # fmt: skip
    shown: dict[str, str] = {}
    for sign in signs:
        before = set(place.glob(sign))
        with Running(command(catalog, str(place))) as job:

            def has_come(sign: str = sign, before: set[Path] = before) -> bool:
                return bool(set(place.glob(sign)) - before) or job.process.poll() is not None

            wait_until(has_come, f"{sign} appears", 100)
            job.ask_to_stop(signal.SIGKILL)
            code = job.end()
        # The job may have been quicker than the signal.
        shown = shown_runs(catalog) if code == 0 else shown
        assert shown_runs(catalog) == shown
    done = subprocess.run(
        command(catalog, str(place)), capture_output=True, text=True, check=True, timeout=200
    )
    run = json.loads(done.stdout)["run"]
    assert shown_runs(catalog) == {"control": run}

    async def check(connection: Any) -> None:
        runs = await recommended.list_runs(connection)
        assert all(each.is_finished for each in runs)
        for number in range(PROFILES):
            found = await recommended.find_shown(connection, "control", f"p{number}", "")
            assert found is not None
            assert found.own is not None
            assert found.own.items

    in_catalog(catalog, check)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_second_job_is_refused_by_name_of_the_first_and_follows_its_death(
    catalog: str, tmp_path: Path
) -> None:
    place = tmp_path / "batch"
    words = command(catalog, str(place))
    with Running(words) as first:
        wait_until(lambda: any(place.glob("*/plan.json")), "the snapshot is begun", 100)
        first.ask_to_stop(signal.SIGSTOP)
        second = subprocess.run(words, capture_output=True, text=True, timeout=200)
        assert second.returncode == 1
        (complaint,) = second.stderr.splitlines()
        assert f"runs already over this catalog: process {first.process.pid} on" in complaint
        assert " since 20" in complaint
        first.ask_to_stop(signal.SIGKILL)
        first.end()
    assert shown_runs(catalog) == {}
    third = subprocess.run(words, capture_output=True, text=True, check=True, timeout=200)
    assert shown_runs(catalog) == {"control": json.loads(third.stdout)["run"]}
