"""The actions of `cinedge topology` that compare."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.cli.main import main

_TOPOLOGY = """\
sites: [{name: fra, latitude: 50, longitude: 8}]
edges: [{name: e1, site: fra, listen: "127.0.0.1:9001", disks: [{path: cache}]}]
routes: [{upstream: ["http://127.0.0.1:8000"]}]
"""


def test_plan_compares_a_new_file_with_the_one_that_is_true(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running, new = tmp_path / "run" / "topology.yaml", tmp_path / "new.yaml"
    running.parent.mkdir()
    running.write_text(_TOPOLOGY)
    new.write_text(_TOPOLOGY + "edge_settings: {block_bytes: 2MiB}\n")
    assert main(["topology", "plan", str(new), "--of", str(running), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    # The cache directory is where it was: paths start from where the file is going to stand.
    assert [c["path"] for c in plan["changes"]] == [
        "edges[e1].settings.block_bytes",
        "edge_settings.block_bytes",
    ]
    assert [(s["do"], s["name"]) for s in plan["steps"]] == [("take over", ""), ("restart", "e1")]


def test_a_broken_file_is_refused_with_its_own_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running, new = tmp_path / "topology.yaml", tmp_path / "new.yaml"
    running.write_text(_TOPOLOGY)
    new.write_text(_TOPOLOGY.replace("site: fra", "site: far"))
    assert main(["topology", "plan", str(new), "--of", str(running)]) == 2
    assert capsys.readouterr().err.startswith(f"{new}:2:26: edges[0].site: no site is named 'far'")


def test_what_was_applied_is_remembered_and_can_be_taken_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running, new = tmp_path / "topology.yaml", tmp_path / "new.yaml"
    running.write_text("name: first\n")
    new.write_text("name: second\n")
    at = ("--of", str(running))
    assert main(["topology", "apply", str(new), *at]) == 0
    assert running.read_text() == "name: second\n"
    assert "is now number 2" in capsys.readouterr().out
    assert main(["topology", "apply", str(new), *at]) == 0
    assert main(["topology", "rollback", *at]) == 0
    assert running.read_text() == "name: first\n"
    capsys.readouterr()
    assert main(["topology", "history", *at, "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [(r["number"], r["outcome"]) for r in records] == [(n, "done") for n in (1, 2, 3)]
    assert main(["topology", "history", *at]) == 0
    assert capsys.readouterr().out.startswith("1  20")
    assert main(["topology", "rollback", "7", *at]) == 2
    assert "there is no change 7; there are: 1, 2, 3" in capsys.readouterr().err


def test_a_broken_file_is_not_applied_and_leaves_no_trace(tmp_path: Path) -> None:
    running, new = tmp_path / "topology.yaml", tmp_path / "new.yaml"
    running.write_text(_TOPOLOGY)
    new.write_text(_TOPOLOGY.replace("site: fra", "site: far"))
    assert main(["topology", "apply", str(new), "--of", str(running)]) == 2
    assert running.read_text() == _TOPOLOGY
    assert not (tmp_path / "topology.history").exists()


def test_without_the_authorities_of_either_file_nothing_is_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running, new = tmp_path / "topology.yaml", tmp_path / "new.yaml"
    running.write_text("authorities: none.pem\nname: first\n")
    new.write_text("name: second\n")
    assert main(["topology", "apply", str(new), "--of", str(running)]) == 1
    assert "none.pem" in capsys.readouterr().err
    assert main(["topology", "history", "--of", str(running)]) == 0
    assert capsys.readouterr().out == ""
