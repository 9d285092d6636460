"""Workers are processes: they die, come back and stop together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from geo_router.workers import run_workers
from tests.helpers.processes import wait_until

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from geo_router.workers import run_workers
folder = Path(sys.argv[1])
def work():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    (folder / str(os.getpid())).touch()
    signal.sigwait({signal.SIGTERM})
    (folder / str(os.getpid())).unlink()
    return 0
sys.exit(run_workers(3, work))
"""


def test_one_worker_is_this_process() -> None:
    assert run_workers(1, os.getpid) == os.getpid()


def test_a_worker_that_dies_is_started_again_and_all_stop_together(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_until(lambda: len(list(tmp_path.iterdir())) == 3, "three workers run")
            victim = next(tmp_path.iterdir())
            os.kill(int(victim.name), signal.SIGKILL)
            victim.unlink()
            wait_until(lambda: len(list(tmp_path.iterdir())) == 3, "the dead one is replaced")
            process.terminate()
            assert process.wait(10) == 0
            assert list(tmp_path.iterdir()) == []
        finally:
            process.kill()


def test_when_no_worker_can_start_the_status_says_so() -> None:
    program = "import sys, geo_router.workers as w; sys.exit(w.run_workers(2, lambda: 3))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=30, check=False)
    assert done.returncode == 3
