"""What keeps Spark from starting is said; what it computes is compared in `test_generate`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyspark")
OPENING = "from origin.batch.spark import open_spark; open_spark({})"


def test_session_that_does_not_start_says_why(tmp_path: Path) -> None:
    # There is no Java in an empty folder. A process of its own: one that has started Java keeps it.
    environ = {**os.environ, "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)}
    opening = subprocess.run(
        [sys.executable, "-c", OPENING], env=environ, capture_output=True, text=True, timeout=100
    )
    assert opening.returncode == 1
    assert "UnavailableError: Spark does not start" in opening.stderr
