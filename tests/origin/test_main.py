"""Starting one origin of a topology file without the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from origin.__main__ import main


def test_topology_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.yaml"
    assert main(["--topology", str(path), "--name", "o"]) == 2
    assert "none.yaml" in capsys.readouterr().err


def test_unknown_origin_is_told_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(
        "version: 1\norigins:\n  - name: origin-1\n    listen: 127.0.0.1:8000\n    data: data\n"
    )
    assert main(["--topology", str(path), "--name", "origin-2"]) == 2
    assert "origin-1" in capsys.readouterr().err
