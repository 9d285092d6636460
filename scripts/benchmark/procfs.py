"""What the kernel says of processes: who descends from whom, CPU time, memory; and pinning them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _UTIME, _STIME, _STARTED = 1, 11, 12, 19  # after the name; proc(5)


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    fields = text.rpartition(")")[2].split()
    return [] if fields[0] in "ZX" else fields


def started_ticks(pid: int) -> int | None:
    """When a process began, which with its id names it for good; None when it is gone."""
    fields = _stat(pid)
    return int(fields[_STARTED]) if fields else None


def family(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            children.setdefault(int(fields[_PARENT]), []).append(int(name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that processes have used."""
    ticks = 0
    for pid in pids:
        if fields := _stat(pid):
            ticks += int(fields[_UTIME]) + int(fields[_STIME])
    return ticks / _TICKS_PER_SECOND


def pss_bytes(pids: Iterable[int]) -> int:
    """Memory of processes, shared pages divided among those who share them."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total * 1024


def pin(pids: Iterable[int], cores: set[int]) -> None:
    """Keep every thread of processes on `cores`."""
    for pid in pids:
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), cores)
        except OSError:
            continue
