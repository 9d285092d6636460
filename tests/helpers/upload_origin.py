"""An origin process of its own for upload tests: killed and started again on the same address."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from scripts.demo_topology import free_ports
from tests.helpers.processes import Running, wait_until

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port of loopback that nobody has now, nor gets for a connection until it is used."""
    return free_ports(1)[0]


class UploadOrigin:
    """Use as a context manager; inside it the origin answers, unless the test has killed it."""

    def __init__(
        self,
        data: Path,
        *,
        extent_bytes: int = 64 * 1024 * 1024,
        sections: Mapping[str, Any] | None = None,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.running: Running
        self.topology = data / "topology.yaml"
        data.mkdir(parents=True, exist_ok=True)
        node = {
            "name": "origin-1",
            "listen": f"127.0.0.1:{self.port}",
            "data": str(data),
            "extent_bytes": extent_bytes,
        }
        self.topology.write_text(yaml.safe_dump({"origins": [node], **(sections or {})}))
        self._stack = ExitStack()

    @property
    def pid(self) -> int:
        """Of the process that answers now."""
        return self.running.process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = (sys.executable, "-m", "scripts.cli.main", "origin")
        where = ("--topology", str(self.topology))
        self.running = self._stack.enter_context(Running((*command, *where), cwd=ROOT))

        def ready() -> bool:
            assert self.running.process.poll() is None, self.running.stderr[-20:]
            try:
                return httpx.get(f"{self.url}/readyz").is_success
            except httpx.HTTPError:
                return False

        wait_until(ready, "the origin is ready", 30)

    def kill(self) -> None:
        """End it as a power cut of the process would."""
        os.killpg(self.pid, signal.SIGKILL)
        self.running.process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        if error is not None:
            print("--- origin", *self.running.stderr[-40:], sep="\n")
