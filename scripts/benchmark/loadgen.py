"""The load generator: built from `loadgen.c` by the C compiler of the machine, run, and read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.cli.errors import FailedError

SOURCE: Final = Path(__file__).with_name("loadgen.c")
COMPILERS: Final = ("cc", "gcc", "clang")
LIMIT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """One thing to ask for. `requests` counts each connection's; without it `seconds` counts."""

    objects: Path
    connections: int = 1
    requests: int = 0
    seconds: float = 1.0
    range_bytes: int = 0
    align_bytes: int = 1
    at_byte: int | None = None
    status: int = 0
    seed: int = 1
    walk: bool = False
    compare: Path | None = None
    poll: bool = False

    def arguments(self, port: int) -> list[str]:
        """The words after the name of the program."""
        words: dict[str, object] = {
            "--port": port,
            "--objects": self.objects,
            "--connections": self.connections,
            "--requests": self.requests,
            "--seconds": self.seconds,
            "--range": self.range_bytes,
            "--align": self.align_bytes,
            "--status": self.status,
            "--seed": self.seed,
            "--limit": LIMIT_SECONDS,
        }
        if self.at_byte is not None:
            words["--at"] = self.at_byte
        if self.compare is not None:
            words["--compare"] = self.compare
        flags = [flag for flag, on in (("--walk", self.walk), ("--poll", self.poll)) if on]
        return [str(word) for pair in words.items() for word in pair] + flags


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of a load; times in microseconds."""

    requests: int
    bytes: int
    seconds: float
    errors: int
    first_error: str
    head_us: dict[str, float]
    body_us: dict[str, float]
    total_us: dict[str, float]
    client_cpu_seconds: float

    @classmethod
    def parse(cls, text: str) -> Answers:
        """Read what the program printed."""
        found: dict[str, Any] = json.loads(text)
        return cls(**{name: found[name] for name in cls.__slots__})


def find_compiler() -> str | None:
    """A C compiler of this machine."""
    named = os.environ.get("CC")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, COMPILERS)), None)


def build(folder: Path) -> Path:
    """Compile the load generator into `folder`. Raises FailedError."""
    compiler = find_compiler()
    if compiler is None:
        raise FailedError(
            "the load generator is written in C and no compiler is here"
            f" ({', '.join(COMPILERS)}); on Debian: apt-get install gcc libc6-dev"
        )
    program = folder / "loadgen"
    made = subprocess.run(
        [compiler, "-O2", "-o", program, SOURCE], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise FailedError(f"{compiler} does not compile {SOURCE.name}:\n{made.stderr[-1500:]}")
    return program


class LoadGenerator:
    """Runs loads on the cores of the client."""

    def __init__(self, program: Path, cores: set[int] | None) -> None:
        self._program = program
        self._cores = cores

    def start(self, port: int, load: Load) -> subprocess.Popen[bytes]:
        """Start a load; `finish` reads it."""
        cores = self._cores
        return subprocess.Popen(
            [str(self._program), *load.arguments(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
        )

    def finish(self, process: subprocess.Popen[bytes]) -> Answers:
        """Wait for a load that was started. Raises FailedError when it could not run."""
        output, complaint = process.communicate(timeout=LIMIT_SECONDS + 30)
        if process.returncode:
            raise FailedError(f"load generator: {complaint.decode(errors='replace')[-500:]}")
        return Answers.parse(output.decode())

    def run(self, port: int, load: Load) -> Answers:
        """Run a load to its end."""
        return self.finish(self.start(port, load))
