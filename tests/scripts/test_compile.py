"""The optional compiled edge gives the same answers, and leaves the tree as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 240


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_SECONDS + 10)
def test_the_compiled_edge_answers_like_the_interpreted_one() -> None:
    if os.environ.get("CI") != "true":
        pytest.skip("compiling takes long: run it with CI=true, or scripts/compile test")
    if shutil.which("gcc") is None or not (ROOT / ".venv/bin/mypyc").exists():
        pytest.skip("there is no C compiler, or no mypyc")
    done = subprocess.run(
        [ROOT / "scripts/compile", "test", "-q", "tests/edge/test_differential.py"],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert not list((ROOT / "edge").rglob("*.so"))
