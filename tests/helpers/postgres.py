"""A real PostgreSQL server for tests, on a free port over a temporary directory, with no account.

`initdb` refuses to run as root, so root hands the directory to `nobody`. Where the server's
programs are not installed the tests that need it are skipped by name.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from scripts.demo_topology import free_ports
from tests.helpers.processes import wait_until

USER = "cinedge"


def find_programs() -> Path | None:
    """Where initdb and postgres are, or None."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    found = debian[-1] if debian else shutil.which("postgres")
    return Path(found).resolve().parent if found else None


class Postgres:
    """A server that runs, may be stopped like a power cut, and started again."""

    def __init__(self, programs: Path, root: Path) -> None:
        self._programs = programs
        self._root = root
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.port: int = free_ports(1)[0]
        if os.geteuid() == 0:
            root.chmod(0o755)
            shutil.chown(root, "nobody", "nogroup")
        self._run("initdb", "-D", str(root / "data"), "-U", USER, "-A", "trust", "--no-sync", "-E",
                  "UTF8", "--locale=C.UTF-8")  # fmt: skip

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._root),
            "port": str(self.port),
            "fsync": "off",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with open(self._root / "log", "ab") as log:
            self._process = subprocess.Popen(
                self._as_nobody([str(self._programs / "postgres"), "-D", f"{self._root}/data"])
                + words,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, "PostgreSQL answers", 30)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: SIGINT cuts the connections and is quick, SIGQUIT is a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def create_database(self) -> str:
        """URL of a new, empty database."""
        name = f"cinedge_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str, database: str = "postgres") -> str:
        """What psql prints."""
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", database]
        return self._run("psql", *address, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._root / "log").read_text()
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def _run(self, program: str, *words: str) -> str:
        command = self._as_nobody([str(self._programs / program), *words])
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _as_nobody(self, command: Sequence[str]) -> list[str]:
        if os.geteuid() != 0:
            return list(command)
        return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A running server, gone with all its data at the end. Skips where it is not installed."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="postgres-") as root:
        server = Postgres(programs, Path(root))
        server.start()
        try:
            yield server
        finally:
            # Its data goes with it: writing all of that out first takes a minute after a whole run.
            server.stop(signal.SIGQUIT)
