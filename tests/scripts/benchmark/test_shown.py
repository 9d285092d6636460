"""The benchmark of what viewers are shown asks a real origin, and takes no other answer."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from scripts.benchmark.shown import ITEMS, line_of, make_list, run


def test_list_is_the_same_for_the_same_owner() -> None:
    assert make_list("p1") == make_list("p1") != make_list("p2")
    assert len({item.title for item in make_list("p1").items}) == ITEMS


def test_line_tells_the_middle_and_the_99th() -> None:
    said = line_of([n / 1000 for n in range(100, 0, -1)])
    assert re.fullmatch(r"p50 +51\.0 ms  p99 +100\.0 ms  slowest +100\.0 ms", said)


@pytest.mark.slow
def test_rounds_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, argparse.Namespace(database="", profiles=50, requests=20, rounds=1))
    assert re.search(r"^round 1: 20 requests  p50 ", capsys.readouterr().out, re.M)
