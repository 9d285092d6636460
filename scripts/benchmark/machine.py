"""What a figure was made on: machine, versions, load, commit."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import edge
from scripts.benchmark.peers import PEERS, find_program

_CONGESTION: Final = Path("/proc/sys/net/ipv4/tcp_congestion_control")
_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and what is installed on it."""

    processor: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    congestion_control: str
    lane: str
    versions: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """For recorded files."""
        return asdict(self)

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gib:.0f} GiB, Linux {self.kernel},"
            f" Python {self.python}, lane {self.lane}, tcp {self.congestion_control}"
            + (versions and f"; {versions}")
        )


def look(peers: Sequence[str]) -> Machine:
    """Describe this machine and the peers that are measured."""
    cpu = _first(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo")) or platform.machine()
    memory = _first(r"MemTotal:\s*(\d+)", Path("/proc/meminfo")) or "0"
    congestion = _CONGESTION.read_text().strip() if _CONGESTION.exists() else "unknown"
    return Machine(
        processor=cpu,
        cores=os.cpu_count() or 1,
        memory_gib=int(memory) / 2**20,
        kernel=platform.release().partition("-")[0],
        python=platform.python_version(),
        congestion_control=congestion,
        lane=edge.LANE,
        versions={name: version_of(name) for name in peers},
    )


def version_of(peer: str) -> str:
    """The version number an installed peer tells; '?' when it tells none."""
    program = find_program(PEERS[peer].program)
    if program is None:
        return "?"
    said = _said(program, PEERS[peer].version)
    found = re.search(r"\d+\.\d+(\.\d+)?", said)
    return found[0] if found else "?"


def commit() -> str:
    """The commit of this checkout; with '+' when the product's files differ from it."""
    name = _said("git", "-C", str(_ROOT), "rev-parse", "--short", "HEAD").strip()
    if not re.fullmatch(r"[0-9a-f]{7,}", name):
        return "unknown"
    product = ("cdnkit", "config", "origin", "edge", "geo_router", "scripts")
    changed = _said("git", "-C", str(_ROOT), "status", "--porcelain", "--", *product)
    return name + ("+" if changed.strip() else "")


def load_average() -> float:
    """Processes that wanted to run, over the last minute."""
    return round(os.getloadavg()[0], 2)


def _first(pattern: str, path: Path) -> str | None:
    try:
        found = re.search(pattern, path.read_text())
    except OSError:
        return None
    return found[1].strip() if found else None


def _said(*words: str) -> str:
    try:
        done = subprocess.run(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False
        )
    except OSError:
        return ""
    return done.stdout.decode(errors="replace")
