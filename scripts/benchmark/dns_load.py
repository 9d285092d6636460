"""Questions to name servers: the load generator `dnsload.c`, built and run, and what came of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.benchmark import procfs
from scripts.benchmark.figures import Run
from scripts.benchmark.launch import HOST, READY_SECONDS, Server
from scripts.benchmark.loadgen import LIMIT_SECONDS, find_compiler
from scripts.cli.errors import FailedError

SOURCE: Final = Path(__file__).with_name("dnsload.c")
ZONE: Final = "cdn.example"
NAMES: Final = 8
WINDOW: Final = 100


@dataclass(frozen=True, slots=True)
class DnsLoad:
    """The built generator and the cores it runs on."""

    program: Path
    cores: set[int] | None

    def run(self, server: Server, seconds: float, seed: int, new_subnets: bool) -> Run:
        """Ask for a while. With `new_subnets` no question was ever asked before."""
        words = (server.port, seconds, WINDOW, NAMES, int(new_subnets), seed)
        cores = self.cores
        pids = server.pids()
        before = procfs.cpu_seconds(pids)
        done = subprocess.run(
            [str(self.program), *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
            preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
        )
        cpu = procfs.cpu_seconds(pids) - before
        if done.returncode:
            raise FailedError(f"dnsload: {done.stderr.strip()[-500:]}")
        told = json.loads(done.stdout)
        return {
            "cpu_us": cpu * 1e6 / max(told["answers"], 1),
            "per_second": told["answers"] / told["seconds"],
            "lost": told["lost"],
            "server_busy": cpu / told["seconds"],
            "client_busy": told["cpu_seconds"] / told["seconds"],
            "errors": told["errors"] + (not told["answers"]),
        }


def build_dns_load(folder: Path, cores: set[int] | None) -> DnsLoad:
    """Compile the generator into `folder`. Raises FailedError."""
    compiler = find_compiler()
    if compiler is None:
        raise FailedError(f"{SOURCE.name} wants a C compiler and none is here")
    program = folder / "dnsload"
    made = subprocess.run(
        [compiler, "-O2", "-o", program, SOURCE], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise FailedError(f"{compiler} does not compile {SOURCE.name}:\n{made.stderr[-1500:]}")
    return DnsLoad(program, cores)


def wait_until_it_resolves(server: Server) -> None:
    """Wait for an answer with an address. Raises FailedError with what the server wrote."""
    question = b"\0\1\0\0\0\1\0\0\0\0\0\0\5play0\3cdn\7example\0\0\1\0\1"
    deadline = time.monotonic() + READY_SECONDS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.2)
        asker.connect((HOST, server.port))
        while time.monotonic() < deadline and server.process.poll() is None:
            try:
                asker.send(question)
                answer = asker.recv(1500)
                if len(answer) > len(question) and not answer[3] & 15:
                    return
            except OSError:
                time.sleep(0.05)
    tail = server.output.read_bytes()[-1500:].decode(errors="replace")
    raise FailedError(f"{server.name} does not resolve play0.{ZONE}; it wrote:\n{tail}")
