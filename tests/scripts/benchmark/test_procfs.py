"""What the kernel says of this very process and its children."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from scripts.benchmark import procfs


def test_cpu_time_is_what_the_kernel_charged() -> None:
    before = procfs.cpu_seconds([os.getpid()])
    used = time.process_time()
    while time.process_time() - used < 0.1:
        pass
    assert procfs.cpu_seconds([os.getpid()]) - before >= 0.08


def test_a_family_is_a_process_with_its_descendants() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as parent:
        deadline = time.monotonic() + 10
        while len(procfs.family(parent.pid)) < 2 and time.monotonic() < deadline:
            pass
        members = procfs.family(parent.pid)
        parent.communicate(b"\n")
    assert members[0] == parent.pid
    assert len(members) == 2
    assert set(members) <= set(procfs.family(os.getpid())) | set(members)


def test_a_process_that_is_gone_costs_nothing_and_has_no_start() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert procfs.started_ticks(gone.pid) is None
    assert procfs.cpu_seconds([gone.pid]) == 0
    assert procfs.pss_bytes([gone.pid]) == 0
    assert procfs.pss_bytes([os.getpid()]) > 1 << 20


def test_pinning_reaches_the_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        core = min(os.sched_getaffinity(0))
        procfs.pin([process.pid], {core})
        found = os.sched_getaffinity(process.pid)
        process.communicate(b"\n")
    assert found == {core}
