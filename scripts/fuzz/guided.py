"""Inputs led by coverage: atheris in a process of its own, with its corpus in a folder.

atheris ends the process when its time is over, so what it came to is read from what it printed,
and a finding stops it: `--guided` tells one finding a run. Needs `pip install atheris`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from scripts.fuzz.hunt import Finding, Hunt, attempt
from scripts.fuzz.mutate import BYTES_MAX
from scripts.fuzz.target import Target

_DONE: Final = re.compile(rb"Done ([0-9]+) runs in ([0-9]+) second")
_EXECUTIONS: Final = re.compile(rb"stat::number_of_executed_units:\s*([0-9]+)")
_GRACE_SECONDS: Final = 600
"""Loading everything under its eyes takes long on a busy machine."""
_INSTRUMENTED: Final = ["cdnkit", "config", "edge", "geo_router", "origin", "http_sf"]


def hunt_guided(target: Target, seconds: float, seed: int) -> Hunt:
    """Let atheris look for so long. Raises OSError, and TimeoutExpired when it does not end."""
    found = Hunt(target)
    with tempfile.TemporaryDirectory(prefix="cinedge-fuzz-") as folder:
        corpus, crashes = Path(folder, "corpus"), Path(folder, "crashes")
        corpus.mkdir()
        crashes.mkdir()
        for number, data in enumerate(target.seeds):
            (corpus / str(number)).write_bytes(data)
        (words := Path(folder, "words")).write_text(_dictionary(target))
        said = subprocess.run(
            [
                *(sys.executable, "-m", "scripts.fuzz.guided", target.name, str(corpus)),
                *(f"-max_total_time={int(seconds)}", f"-seed={seed}", "-print_final_stats=1"),
                *(f"-artifact_prefix={crashes}/", f"-dict={words}", f"-max_len={BYTES_MAX}"),
            ],
            capture_output=True,
            timeout=seconds + _GRACE_SECONDS,
            check=False,
        )
        found.executions, found.seconds = counted(said.stderr)
        for crash in sorted(crashes.iterdir()):
            finding = attempt_again(target, crash.read_bytes())
            found.findings.append(finding or Finding(crash.read_bytes(), crash.name, "atheris"))
        if not found.executions and not found.findings:
            sys.stderr.write(said.stderr.decode(errors="replace")[-2000:])
    return found


def counted(said: bytes) -> tuple[int, float]:
    """Executions and seconds that libFuzzer tells; zero seconds where it was stopped."""
    done, executions = _DONE.search(said), _EXECUTIONS.search(said)
    if done is not None:
        return int(done[1]), float(done[2])
    return int(executions[1]) if executions else 0, 0.0


def attempt_again(target: Target, data: bytes) -> Finding | None:
    """What atheris found, seen here."""
    try:
        return attempt(target, data, time.process_time)
    except target.refusals:
        return None


def _dictionary(target: Target) -> str:
    """The words of a target as libFuzzer reads them."""
    words = [word for word in target.words if 0 < len(word) < 64]
    escaped = ("".join(f"\\x{byte:02x}" for byte in word) for word in words)
    return "".join(f'"{each}"\n' for each in escaped)


def main() -> None:
    """The process of atheris: arguments are the target's name and those of libFuzzer."""
    import atheris  # here, because the rest has to be loaded under its eyes

    with atheris.instrument_imports(include=_INSTRUMENTED, enable_loader_override=False):
        from scripts.fuzz.targets.table import TARGETS
    (target,) = (each for each in TARGETS if each.name == sys.argv[1])

    def read(data: bytes) -> None:
        try:
            target.read(data)
        except target.refusals:
            return

    atheris.Setup([sys.argv[0], *sys.argv[2:]], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
