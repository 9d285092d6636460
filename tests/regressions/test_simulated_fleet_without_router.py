"""`python -m scripts.simulated_fleet` ended with 0, as if asked to, when its router died."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.helpers.processes import Running

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("killed", [True, False], ids=["router killed", "told to stop"])
def test_it_says_how_it_ended(killed: bool) -> None:
    words = (sys.executable, "-m", "scripts.simulated_fleet", "--edges", "2")
    with Running(words, cwd=ROOT) as running:
        assert running.line().startswith("Operate: ")
        if killed:
            (router,) = children_of(running.process.pid)
            os.kill(router, signal.SIGKILL)
        else:
            running.ask_to_stop()
        assert running.end() == (1 if killed else 0)
        assert any("the router ended by itself" in line for line in running.stderr) == killed
