"""Claims about `cinedge doctor`; tests/scenarios/test_operator.py has real processes looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.cli.main import main

_TOPOLOGY = """\
sites: [{name: fra, latitude: 50, longitude: 8}]
edges: [{name: e1, site: fra, listen: "127.0.0.1:1", disks: [{path: cache, size_bytes: 16MiB}]}]
routes: [{upstream: ["http://127.0.0.1:1"]}]
"""


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    path = tmp_path / "topology.yaml"
    path.write_text(_TOPOLOGY)
    return path


def test_what_is_wrong_is_told_with_why_and_how_to_mend_it(
    topology: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topology.write_text(_TOPOLOGY.replace("listen:", "lisen:"))
    assert main(["doctor", "--of", str(topology)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"wrong   topology: {topology}:2: edges[0].lisen: unknown setting" in lines
    assert "        did you mean 'listen'?" in lines


def test_the_same_for_programs(topology: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--of", str(topology), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["well"], told["here"]) == (False, ["e1"])
    assert {"check", "subject", "what", "why", "mend", "grave"} == told["findings"][0].keys()
    assert len(told["checks"]) >= 18


def test_advice_alone_is_no_failure(
    topology: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts.cli import doctor
    from scripts.doctor.findings import Finding

    advice = Finding("kernel", "a", "b", "c", "d", grave=False)
    monkeypatch.setattr(doctor, "judge", lambda facts: [advice])
    assert main(["doctor", "--of", str(topology)]) == 0
    assert "advice  kernel: a: b" in capsys.readouterr().out


def test_a_node_that_is_not_there_ends_with_two(
    topology: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--of", str(topology), "--here", "e9"]) == 2
    assert "no node named e9" in capsys.readouterr().err
