"""Claims about `cinedge topology`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.load import parse_topology
from scripts.cli.main import main


def test_example_that_is_printed_is_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["topology", "example"]) == 0
    text = capsys.readouterr().out
    assert len(parse_topology(text, {}).edges) == 3
    file = tmp_path / "topology.yaml"
    file.write_text(text)
    assert main(["topology", "validate", str(file)]) == 0
    shown = capsys.readouterr().out
    assert shown == f"OK {file}: sites 3, origins 1, edges 3, routers 1, routes 1\n"


def test_every_mistake_is_printed_and_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text("version: 2\nname: a b\n")
    assert main(["topology", "validate", str(file)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{file}:1:10", f"{file}:2:7"]


def test_schema_and_reference_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["topology", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Cinedge topology"
    assert main(["topology", "reference"]) == 0
    assert capsys.readouterr().out.startswith("# Settings")
