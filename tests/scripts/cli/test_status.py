"""Claims about `cinedge status`; tests/scenarios/test_operator.py asks real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.cli.main import main

_TOPOLOGY = """\
sites: [{name: fra, latitude: 50, longitude: 8}]
edges: [{name: e1, site: fra, listen: "127.0.0.1:1", disks: [{path: a}]}]
routes: [{upstream: ["http://127.0.0.1:1"]}]
"""


@pytest.fixture
def topology(tmp_path: Path) -> str:
    path = tmp_path / "topology.yaml"
    path.write_text(_TOPOLOGY)
    return str(path)


def test_an_installation_that_does_not_run_is_not_well(
    topology: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--of", topology]) == 1
    shown = capsys.readouterr().out
    assert "1 of 1 are not well." in shown
    assert "no answer" in shown


def test_the_same_for_programs(topology: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--of", topology, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["well"] is False
    assert told["nodes"][0]["troubles"][0].startswith("does not answer at http://127.0.0.1:1")


def test_quiet_says_it_by_the_exit_code_alone(
    topology: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--of", topology, "--quiet"]) == 1
    assert capsys.readouterr().out == ""


def test_without_a_topology_it_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--of", str(tmp_path / "no.yaml")]) == 2
    assert "cannot be read" in capsys.readouterr().err
