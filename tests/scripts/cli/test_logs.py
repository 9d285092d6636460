"""Claims about `cinedge logs`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.cli.logs import shown
from scripts.cli.main import main
from tests.helpers.cluster import CINEDGE, ROOT
from tests.helpers.processes import Running

_TOPOLOGY = """\
sites: [{name: fra, latitude: 50, longitude: 8}]
edges:
  - {name: e1, site: fra, listen: "127.0.0.1:1", disks: [{path: a}], settings: {access_log: e1}}
  - {name: e2, site: fra, listen: "127.0.0.1:2", disks: [{path: b}], settings: {access_log: e2}}
routes: [{upstream: ["http://127.0.0.1:1"]}]
"""


def record(second: int, node: str = "e1", **more: Any) -> dict[str, Any]:
    told = {
        "time": f"2026-11-29T10:00:{second:02}.000Z",
        "tier": "edge",
        "node": node,
        "client": "192.0.2.1",
        "method": "GET",
        "path": "/films/a.mp4",
        "status": 206,
        "bytes": 1_500,
        "duration_ms": 12.0,
        "outcome": "hit",
    }
    return {**told, **more}


def write(path: Path, *records: dict[str, Any]) -> None:
    with open(path, "a") as file:
        file.writelines(json.dumps(each) + "\n" for each in records)


@pytest.fixture
def of(tmp_path: Path) -> list[str]:
    (tmp_path / "topology.yaml").write_text(_TOPOLOGY)
    write(tmp_path / "e1", record(1), record(3, status=502, outcome="error", path="/b"))
    write(
        tmp_path / "e2",
        record(2, "e2", outcome="miss", reason="evicted", duration_ms=900.0),
        record(4, "e2", status=404),
    )
    return ["--of", str(tmp_path / "topology.yaml")]


def seconds(capsys: pytest.CaptureFixture[str]) -> list[int]:
    """Which lines were printed, by their second."""
    lines = capsys.readouterr().out.splitlines()
    return [int(json.loads(line)["time"][17:19]) for line in lines]


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        ([], [1, 2, 3, 4]),
        (["--lines", "2"], [3, 4]),
        (["--lines", "0"], []),
        (["--node", "e2"], [2, 4]),
        (["--status", "5xx", "--status", "404"], [3, 4]),
        (["--outcome", "miss"], [2]),
        (["--reason", "evicted"], [2]),
        (["--title", "films/"], [1, 2, 4]),
        (["--slower-than", "100"], [2]),
        (["--client", "192.0.2.9"], []),
        (["--all", "--status", "206"], [1, 2]),
    ],
)
def test_lines_of_all_nodes_are_chosen_and_merged_by_time(
    of: list[str], chosen: list[str], wanted: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", *of, *chosen, "--json"]) == 0
    assert seconds(capsys) == wanted


def test_a_line_for_people_has_what_matters() -> None:
    told = record(2, outcome="miss", reason="cold", range="bytes=0-1", cut=True)
    assert shown(told) == (
        "2026-11-29T10:00:02.000Z  e1  192.0.2.1  206  miss/cold  1.5 kB  12.0 ms  "
        "GET /films/a.mp4  bytes=0-1  cut"
    )
    assert shown(record(2, complete=False)).endswith("  cut")
    assert shown(record(2, sample=0.01)).endswith("  one of 100")


def test_nothing_in_a_line_commands_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "log", record(1, path="/\x1b[2Ja", user_agent="\x07"))
    assert main(["logs", str(tmp_path / "log")]) == 0
    out = capsys.readouterr().out
    assert "/?[2Ja" in out
    assert out.strip().isprintable()


def test_packed_files_are_read_and_what_is_no_record_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as file:
        file.write("not a record\n" + json.dumps(record(7)) + "\n")
    packed = str(tmp_path / "a.jsonl.gz")
    assert main(["logs", packed, "--all", "--json"]) == 0
    assert seconds(capsys) == [7]
    assert main(["logs", packed, "--follow"]) == 2


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["--status", "6xx"], 2, "write a status like 404"),
        (["--lines", "-1"], 2, "less than none"),
        (["--node", "e3"], 2, "no node is called 'e3'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    of: list[str], words: list[str], code: int, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", *of, *words]) == code
    assert complaint in capsys.readouterr().err


def test_a_file_that_cannot_be_read_whole_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", str(tmp_path / "no"), "--all"]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_what_comes_is_followed_across_a_rotation(of: list[str], tmp_path: Path) -> None:
    command = (*CINEDGE, "logs", *of, "--node", "e1", "--follow", "--json")
    with Running(command, cwd=ROOT) as running:
        assert [json.loads(running.line())["time"][17:19] for _ in range(2)] == ["01", "03"]
        write(tmp_path / "e1", record(10), record(11, node="e2"))
        assert json.loads(running.line())["time"][17:19] == "10"
        (tmp_path / "e1").rename(tmp_path / "e1.1")
        write(tmp_path / "e1", record(12))
        assert json.loads(running.line())["time"][17:19] == "12"
