"""The processes of a scenario and the links between them; what can be done to each.

An async context: inside it everything that the shape says runs and is ready, behind it nothing
does. Processes come from a nursery (`nursery`), links that break are proxies
(`tests.faults.proxy`), disks that fill up are small file systems in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import ssl
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import yaml

from cdnkit.service.certificates import believing
from scripts.demo_topology import free_ports
from tests.faults.proxy import TcpProxy, tcp_proxy
from tests.faults.scenario.asking import Asker
from tests.faults.scenario.backing import Backing
from tests.faults.scenario.disks import small_disk
from tests.faults.scenario.layout import (
    ANY_HOST,
    DNS,
    HOST,
    Ports,
    Secured,
    disk_of,
    document_of,
    key_named,
)
from tests.faults.scenario.nursery import NUMBER
from tests.faults.scenario.plan import (
    EDGES,
    EXTERNAL,
    ORIGIN,
    ORIGINS,
    ROUTER,
    WORLD,
    Shape,
    ends_of,
    origins_of,
    processes_of,
)
from tests.helpers.authority import Authority
from tests.helpers.cluster import ROOT

START_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.02
_TAIL_LINES: Final = 25


class Nursery:
    """A process from which others are started in milliseconds. Use as a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.scenario.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def start(self, words: Sequence[str], **more: str) -> int:
        """Run the `cinedge` command with these words; its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"words": list(words), **more}) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery has ended"
        return line.strip()

    def __enter__(self) -> Self:
        assert self._line() == "ready"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait(30)


@dataclass(slots=True)
class Life:
    """A running process. `watch` is readable once it has ended."""

    pid: int
    watch: int

    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self.await_end(0)

    def await_end(self, seconds: float) -> bool:
        """Whether it has ended, now or within a time."""
        # Not select(2): a test process may hold more descriptors than that can name.
        end = select.poll()
        end.register(self.watch, select.POLLIN)
        return bool(end.poll(seconds * 1000))

    def signal(self, number: signal.Signals) -> None:
        """To it and all it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


@dataclass(slots=True)
class World:
    """`planted`: the bug that every process is started with; empty in earnest."""

    shape: Shape
    link_names: Sequence[str]
    data: Path
    nursery: Nursery
    external_port: int
    backing: Backing
    planted: str = ""
    small_disks: Sequence[str] = ()
    keys: list[dict[str, str]] = field(default_factory=lambda: [key_named(1)])
    believed: dict[str, dict[str, str]] = field(default_factory=dict)
    links: dict[str, TcpProxy] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    ports: Ports = field(default_factory=lambda: Ports({}, {}))
    secured: Secured | None = None
    trust: ssl.SSLContext | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            processes = processes_of(self.shape)
            names = (*processes, DNS) if self.shape.dns else processes
            servers = dict(zip(names, free_ports(len(names)), strict=True))
            servers[EXTERNAL] = self.external_port
            servers |= self.backing.ports()
            for link in self.link_names:
                host = ANY_HOST if self.shape.dns else HOST
                proxy = tcp_proxy(servers[ends_of(link)[1]], host=host)
                self.links[link] = await stack.enter_async_context(proxy)
            ports = {link: proxy.port for link, proxy in self.links.items()}
            self.ports = Ports(servers, ports, self.shape.tls)
            if self.shape.tls:
                self._secure()
            for name in processes:
                disk_of(self.data, name).mkdir(parents=True)
                self.set_clock(name, 0.0)
                self.slow_disk(name, 0.0)
            for name in self.small_disks:
                stack.enter_context(small_disk(disk_of(self.data, name)))
            stack.callback(self._end)
            for name in processes:
                self.start(name)
            await self._stack.enter_async_context(stack.pop_all())
        await self.await_ready(START_SECONDS)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def url(self, server: str) -> str:
        """How the world reaches a server."""
        return self.ports.url(WORLD, server)

    def direct_url(self, server: str) -> str:
        """How a server is reached by no link that may be broken."""
        return Ports(self.ports.servers, {}, self.ports.secure).url(WORLD, server)

    def asker(self, from_address: str = "") -> Asker:
        """Somebody who believes its servers."""
        return Asker(from_address, self.trust)

    def believed_key(self, server: str) -> dict[str, str]:
        """The newest key for playback tokens that a server is known to believe in."""
        return self.believed.get(server, key_named(1))

    def start(self, name: str) -> None:
        """Start a process, which has ended or has never been."""
        tier = "edge" if name in EDGES else ORIGIN if name in ORIGINS else name
        topology = self.topology(name)
        at = (self.ports, self.data, self.keys, self.backing, self.secured)
        document = document_of(name, self.shape, *at)
        topology.write_text(yaml.safe_dump(document, sort_keys=False))
        words = [tier, "--topology", str(topology), "--name", name]
        pid = self.nursery.start(
            words,
            log=str(self.log(name)),
            clock=str(self._clock(name)),
            disk=str(disk_of(self.data, name)),
            slowness=str(self._slowness(name)),
            planted=self.planted,
        )
        self.lives[name] = Life(pid, os.pidfd_open(pid))

    def topology(self, name: str) -> Path:
        """The topology file of a process."""
        return self.data / name / "topology.yaml"

    def log(self, name: str) -> Path:
        """What a process writes."""
        return self.data / name / "log"

    def set_clock(self, name: str, offset_seconds: float) -> None:
        """Its wall clock, off the machine's by so much."""
        _write_number(self._clock(name), offset_seconds)

    def slow_disk(self, name: str, seconds: float) -> None:
        """Each call to its disk takes so much longer."""
        _write_number(self._slowness(name), seconds)

    def kill(self, name: str) -> None:
        """End it as a power cut would, with all that it has started."""
        self.lives[name].signal(signal.SIGKILL)

    async def end(self, name: str) -> None:
        """Ask it to end, and wait until it has."""
        os.kill(self.lives[name].pid, signal.SIGTERM)
        await self.await_end(name)

    async def await_end(self, name: str) -> None:
        """Wait until it has ended."""
        life = self.lives[name]
        async with asyncio.timeout(START_SECONDS):
            while not life.has_ended():  # noqa: ASYNC110 (a process that ends tells nobody)
                await asyncio.sleep(_POLL_SECONDS)
        os.close(life.watch)
        del self.lives[name]

    def deaths(self) -> list[str]:
        """Processes that have ended by themselves, with their last words."""
        return [
            f"{name} has ended by itself:\n{self.last_words(name)}"
            for name, life in self.lives.items()
            if life.has_ended()
        ]

    def last_words(self, name: str) -> str:
        """The end of what a process wrote."""
        log = self.log(name)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(lines[-_TAIL_LINES:])

    async def await_ready(self, limit_seconds: float) -> None:
        """Wait until every tier answers and the router names every edge. Raises TimeoutError."""
        async with asyncio.timeout(limit_seconds), self.asker() as asker:
            while not await self._is_ready(asker):
                if deaths := self.deaths():
                    raise AssertionError("\n".join(deaths))
                await asyncio.sleep(_POLL_SECONDS)

    async def _is_ready(self, asker: Asker) -> bool:
        for name in (*origins_of(self.shape), *EDGES):
            heard = await asker.ask(f"{self.url(name)}/readyz", limit_seconds=2)
            if heard.status != 200:
                return False
        heard = await asker.ask(f"{self.url(ROUTER)}/v1/fleet", limit_seconds=2)
        if heard.status != 200:
            return False
        return {edge["state"] for edge in json.loads(heard.body)["edges"]} == {"up"}

    def _clock(self, name: str) -> Path:
        return self.data / name / "clock"

    def _slowness(self, name: str) -> Path:
        return self.data / name / "slowness"

    def _secure(self) -> None:
        folder = self.data / "tls"
        folder.mkdir(parents=True)
        authority = Authority(folder)
        made = replace(authority.certificate("all"), oldest_version="TLSv1.3")
        self.secured = Secured(
            str(authority.file),
            {
                "certificate": made.certificate,
                "key": made.key,
                "oldest_version": made.oldest_version,
            },
        )
        self.trust = believing(str(authority.file))

    def _end(self) -> None:
        for life in self.lives.values():
            life.signal(signal.SIGKILL)
            life.signal(signal.SIGCONT)
        for life in self.lives.values():
            life.await_end(10)
            os.close(life.watch)
        self.lives.clear()


def _write_number(path: Path, number: float) -> None:
    """In place: who has the file in its memory sees it."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(NUMBER.pack(number))
