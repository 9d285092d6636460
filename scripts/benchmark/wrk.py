"""wrk as a second client: slower than ours (reads of 8 KiB, it sleeps), and it speaks TLS.

It looks at statuses and at sockets only; that every byte is right was seen before.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from scripts.benchmark.launch import HOST
from scripts.benchmark.loadgen import LIMIT_SECONDS, Answers, Load
from scripts.cli.errors import FailedError

PROGRAM: Final = "wrk"
_SCRIPT: Final = """\
local heads, sizes, length, align = {}, {}, 0, 1
local fields = " HTTP/1.1\\r\\nHost: films.example\\r\\nAccept: */*\\r\\n" ..
    "Accept-Language: en-GB,en;q=0.9\\r\\n" ..
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\\r\\n"

function init(args)
  for line in io.lines(args[1]) do
    local path, size = line:match("^(%S+) (%d+)$")
    heads[#heads + 1] = "GET " .. path .. fields
    sizes[#sizes + 1] = tonumber(size)
  end
  length, align = tonumber(args[2]), tonumber(args[3])
  math.randomseed(tonumber(args[4]))
end

function request()
  local each = math.random(#heads)
  if length == 0 then
    return heads[each] .. "\\r\\n"
  end
  local start = math.random(0, math.floor((sizes[each] - length) / align)) * align
  return string.format("%sRange: bytes=%d-%d\\r\\n\\r\\n", heads[each], start, start + length - 1)
end

function done(summary, latency, requests)
  local errors = summary.errors
  local wrong = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\\n{"requests":%d,"bytes":%d,"us":%d,"errors":%d,"p50":%d,"p99":%d,"max":%d}\\n',
    summary.requests, summary.bytes, summary.duration, wrong,
    latency:percentile(50), latency:percentile(99), latency.max))
end
"""


class Wrk:
    """Runs loads of a number of seconds on the cores of the client."""

    def __init__(self, folder: Path, cores: set[int] | None) -> None:
        program = shutil.which(PROGRAM)
        if program is None:
            raise FailedError(f"{PROGRAM} is not installed; on Debian: apt-get install {PROGRAM}")
        self._program = program
        self._cores = cores
        self._script = folder / "wrk.lua"
        self._script.write_text(_SCRIPT)

    def run(self, port: int, load: Load, *, secure: bool) -> Answers:
        """Run a load, whole seconds of it. Raises FailedError when it could not run."""
        cores = self._cores
        words: list[object] = [self._program, "-t1", "-c", load.connections]
        words += ["-d", f"{math.ceil(load.seconds)}s", "-s", self._script]
        words += [f"{'https' if secure else 'http'}://{HOST}:{port}/", "--", load.objects]
        words += [load.range_bytes, load.align_bytes, load.seed]
        before = os.times()
        done = subprocess.run(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_SECONDS + 30,
            check=False,
            text=True,
            preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
        )
        after = os.times()
        if done.returncode:
            raise FailedError(f"{PROGRAM}: {(done.stdout + done.stderr)[-500:]}")
        used = after.children_user + after.children_system
        return parse(done.stdout, used - before.children_user - before.children_system)


def parse(text: str, client_cpu_seconds: float) -> Answers:
    """Read what the script printed last."""
    found: dict[str, Any] = json.loads(text.strip().rpartition("\n")[2])
    times = {name: float(found[name]) for name in ("p50", "p99", "max")}
    return Answers(
        requests=found["requests"],
        bytes=found["bytes"],
        seconds=found["us"] / 1e6,
        errors=found["errors"],
        first_error="a status, a socket or a time limit" if found["errors"] else "",
        head_us={},
        body_us={},
        total_us=times,
        client_cpu_seconds=client_cpu_seconds,
    )
