"""Claims about `cinedge top`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cdnkit.service.logs import format_time
from config.load import load_topology
from scripts.cli.main import main
from scripts.cli.top import titles

_TOPOLOGY = """\
sites: [{name: fra, latitude: 50, longitude: 8}]
edges:
  - {name: e1, site: fra, listen: "127.0.0.1:1", disks: [{path: a}], settings: {access_log: log}}
routes: [{upstream: ["http://127.0.0.1:1"]}]
"""


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    path = tmp_path / "topology.yaml"
    path.write_text(_TOPOLOGY)
    return path


def write(folder: Path, at: float, path: str, sent: int, node: str = "e1") -> None:
    record = {"time": format_time(at), "tier": "edge", "node": node, "path": path, "bytes": sent}
    with open(folder / "log", "a") as file:
        file.write(json.dumps(record) + "\n")


def test_titles_of_the_window_are_listed_and_older_ones_leave(topology: Path) -> None:
    now = 1_000.0
    looking = titles(load_topology(topology, {}), 10.0, lambda: now)
    write(topology.parent, 985.0, "/old", 10)
    write(topology.parent, 995.0, "/a", 100)
    write(topology.parent, 995.0, "/a", 100, node="of another topology")
    assert [(each.title, each.bytes_per_second) for each in looking()] == [("a", 10.0)]
    now = 1_004.0
    write(topology.parent, 1_003.0, "/b", 500)
    assert [each.title for each in looking()] == ["b", "a"]
    now = 1_006.0
    assert [each.title for each in looking()] == ["b"]


def test_one_look_is_printed_for_people_and_programs(
    topology: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(topology.parent, 4e9, "/films/a.mp4", 20_000)
    assert main(["top", "--of", str(topology), "--once", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["titles"]
    assert (row["title"], row["bytes_per_second"]) == ("films/a.mp4", 2_000.0)
    assert main(["top", "--of", str(topology)]) == 0
    assert "films/a.mp4" in capsys.readouterr().out


def test_edges_that_do_not_answer_send_nothing(
    topology: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["top", "edges", "--of", str(topology), "--once"]) == 0
    assert "e1" in capsys.readouterr().out


def test_where_nothing_was_sent_that_is_said(
    topology: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["top", "--of", str(topology), "--once"]) == 0
    assert "Nothing was sent." in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--window", "--interval", "--count"])
def test_nothing_of_something_is_refused(
    option: str, topology: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["top", "--of", str(topology), option, "0"]) == 2
    assert "more than nothing" in capsys.readouterr().err
