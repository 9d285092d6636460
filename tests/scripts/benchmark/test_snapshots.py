"""A measured snapshot holds the whole log, and the next one finds nothing new."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.benchmark.snapshots import fill, measure, snapshot


def test_it_holds_the_whole_log_once(tmp_path: Path) -> None:
    fill(tmp_path / "catalog", 2_000)
    seconds, rows, days = snapshot(tmp_path / "catalog", tmp_path / "into")
    assert seconds > 0
    assert (rows, days) == (2_000, 91)
    assert snapshot(tmp_path / "catalog", tmp_path / "into")[1:] == (2_000, 0)


def test_a_line_says_what_it_cost(tmp_path: Path) -> None:
    line = measure(tmp_path, 500)
    assert re.search(r"^ +500 rows in \d+ days .* MiB .* MiB of files .* 0 days", line), line
