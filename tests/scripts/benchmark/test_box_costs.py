"""What a box costs, at a size for every day; the full size is measured by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmark.box_costs import main


def test_the_memory_of_all_workers_is_told_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [(1_000_000, 1_000_000), (1_400_000, 1_800_000)] * 2
    found[3] = (1_400_000, 2_600_000)
    made: list[str] = []
    monkeypatch.setattr(
        "scripts.benchmark.box_costs.make_cache", lambda path, *_: made.append(path.name)
    )
    monkeypatch.setattr("scripts.benchmark.box_costs.memory_bytes", lambda *_: found.pop(0))
    command = ["memory", str(tmp_path), "--objects", "10", "--blocks", "1000"]
    assert [main(command), main(command)] == [0, 1]
    assert made == ["2x1000", "10x1000"] * 2
    said = capsys.readouterr().out
    assert "50.0 bytes for each block" in said
    assert "100.0 when every worker has borrowed" in said


def test_every_worker_learns_every_film_before_its_memory_is_counted(tmp_path: Path) -> None:
    # Ends well only when all films were answered by all workers, out of a cache alone.
    main(["memory", str(tmp_path), "--workers", "2", "--objects", "5", "--blocks", "10"])


def test_hits_on_own_and_borrowed_objects_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hits", "--rounds", "1", "--requests", "50"]) == 0
    assert "ratio" in capsys.readouterr().out
