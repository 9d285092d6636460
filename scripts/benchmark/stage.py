"""Everything that runs during a benchmark: content, origins, edges, router, each on its core.

With one worker and two cores or more, all servers share core 0 and the client has core 1, together
with the neutral origin and the relay before it; otherwise nothing is pinned.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.benchmark.content import PREFIX, Content
from scripts.benchmark.far_origin import FarOrigin
from scripts.benchmark.launch import HOST, Launcher, Server, free_port, wait_until_it_answers
from scripts.benchmark.loadgen import Load, LoadGenerator, build
from scripts.benchmark.measures import Kind, kinds
from scripts.benchmark.peers import PEERS, Site, find_program, nginx_static
from scripts.benchmark.plan import Plan
from scripts.benchmark.secure import (
    Certificate,
    compare,
    make_certificate,
    token_query,
    write_topology,
)
from scripts.benchmark.wrk import Wrk
from scripts.cli.errors import FailedError

OURS: Final = "cinedge"
CINEDGE: Final = Path(sys.executable).with_name("cinedge")
_WARM_TIMES: Final = 2  # some caches take an object into memory only at its second use
_EDGE_KINDS: Final = frozenset({Kind.HIT, Kind.COLD, Kind.MISS})


@dataclass(slots=True)
class Stage:
    """What is ready to be asked. `origins` and `edges` begin with ours."""

    plan: Plan
    content: Content
    load: LoadGenerator
    polls: bool
    client_cores: set[int] | None = None
    wrk: Wrk | None = None
    far: FarOrigin | None = None
    origins: list[Server] = field(default_factory=list)
    edges: list[Server] = field(default_factory=list)
    routers: list[Server] = field(default_factory=list)
    name_servers: list[Server] = field(default_factory=list)
    ask_names: Callable[[Server, float, int, bool], dict[str, float]] | None = None
    """One run of DNS questions: server, seconds, seed, whether each has a subnet of its own."""


class Builder:
    """Builds a stage inside `work`; what it starts ends with `stack`."""

    def __init__(
        self, plan: Plan, work: Path, stack: ExitStack, say: Callable[[str], None]
    ) -> None:
        pinned = plan.workers == 1 and len(os.sched_getaffinity(0)) > 1
        cores = sorted(os.sched_getaffinity(0))
        self._client = {cores[1]} if pinned else None
        self._plan = plan
        self._work = work
        self._stack = stack
        self._say = say
        self._pinned = pinned
        self._launcher = stack.enter_context(
            Launcher(work / "output", {cores[0]} if pinned else None)
        )

    def build(self) -> Stage:
        """Start and warm everything the plan's measures need. Raises FailedError."""
        plan = self._plan
        load = LoadGenerator(build(self._work), self._client)
        query = token_query() if plan.tokens else ""
        content = Content(self._work / "www", self._work / "lists", plan.scale, query)
        content.make_files()
        wrk = Wrk(self._work, self._client) if plan.client == "wrk" else None
        stage = Stage(plan, content, load, polls=self._pinned, client_cores=self._client, wrk=wrk)
        wanted = kinds(plan.measures)
        if {Kind.ORIGIN, Kind.INGEST} & wanted:
            self._start_origins(stage)
        if _EDGE_KINDS & wanted:
            self._start_edges(stage)
        if Kind.ROUTER in wanted:
            self._start_router(stage)
        return stage

    def _ours(
        self,
        tier: str,
        *options: str | Path,
        label: str,
        cores: set[int] | None = None,
        secure: bool = False,
    ) -> Server:
        port = free_port()
        listen = f"{HOST}:{port}"
        log = self._work / f"{label}.log"
        words = [CINEDGE, tier, "--listen", listen, "--access-log", log, *options]
        return self._launcher.start(OURS, words, port, label=label, cores=cores, secure=secure)

    def _our_origin(self, label: str, content: Content, cores: set[int] | None = None) -> Server:
        server = self._ours("origin", "--data", self._work / label, label=label, cores=cores)
        wait_until_it_answers(server, "/readyz")
        for piece in content.pieces():
            upload(server.port, piece.path, content.file_of(piece))
        return server

    def _static(self, name: str, label: str, cores: set[int] | None = None) -> Server:
        site = Site(self._folder(label), free_port(), 0, self._plan.workers)
        command = nginx_static(site, self._work / "www")
        return self._launcher.start(name, command.words, site.port, label=label, cores=cores)

    def _folder(self, name: str) -> Path:
        folder = self._work / name
        folder.mkdir()
        return folder

    def _start_origins(self, stage: Stage) -> None:
        stage.origins.append(self._our_origin("origin", stage.content))
        if "nginx" in self._plan.peers:
            stage.origins.append(self._static("nginx", "nginx-static"))
        for server in stage.origins:
            wait_until_it_answers(server, stage.content.collections["films"][0].path)
            self._warm(stage, server, ("films",))

    def _start_edges(self, stage: Stage) -> None:
        plan = self._plan
        nginx_here = find_program("nginx") is not None
        if (plan.neutral or ("nginx" if nginx_here else OURS)) == "nginx":
            neutral = self._static("nginx", "neutral", self._client)
        else:
            neutral = self._our_origin("neutral", stage.content, self._client)
        probe = stage.content.collections["small"][0].path
        wait_until_it_answers(neutral, probe)
        stage.far = self._stack.enter_context(FarOrigin(neutral.port, self._client))
        pull = f"http://{HOST}:{stage.far.port}"
        certificate = make_certificate(self._work) if plan.secure else None
        stage.edges.append(self._our_edge(pull, certificate))
        for name in plan.peers:
            stage.edges.append(self._peer(name, stage.far.port, certificate))
        collections = {each.collection for each in plan.measures if each.kind is Kind.HIT}
        if any(each.name == "M1" for each in plan.measures):
            collections.add("films")
        for server in stage.edges:
            wait_until_it_answers(server, probe)
            self._warm(stage, server, tuple(sorted(collections)))

    def _our_edge(self, pull: str, certificate: Certificate | None) -> Server:
        plan = self._plan
        if plan.tokens:
            port = free_port()
            path, log = self._work / "edge.json", self._work / "edge.log"
            topology = write_topology(path, plan, f"{HOST}:{port}", pull, log)
            words = (CINEDGE, "edge", "--topology", topology)
            return self._launcher.start(OURS, words, port, label="edge")
        options: list[str | Path] = ["--pull", pull, "--cache", self._folder("edge-cache")]
        if plan.workers > 1:
            options += ["--workers", str(plan.workers)]
        if certificate is not None:
            options += ["--tls-cert", certificate.certificate, "--tls-key", certificate.key]
        return self._ours("edge", *options, label="edge", secure=plan.secure)

    def _peer(self, name: str, origin_port: int, certificate: Certificate | None) -> Server:
        folder, workers = self._folder(name), self._plan.workers
        site = Site(folder, free_port(), origin_port, workers, certificate)
        command = PEERS[name].prepare(site)
        return self._launcher.start(
            name, command.words, site.port, env=command.env, secure=certificate is not None
        )

    def _start_router(self, stage: Stage) -> None:
        # The router looks at /readyz of its edges; our origin says there what an edge would.
        seen = stage.edges[:1] or stage.origins[:1] or [self._our_origin_alone(stage)]
        urls = ",".join(f"http://{HOST}:{server.port}" for server in seen)
        router = self._ours("router", "--edges", urls, label="router")
        stage.routers.append(router)
        wait_until_it_answers(router, stage.content.collections["titles"][0].path, 302)

    def _our_origin_alone(self, stage: Stage) -> Server:
        server = self._ours("origin", "--data", self._work / "behind", label="behind")
        wait_until_it_answers(server, "/readyz")
        return server

    def _warm(self, stage: Stage, server: Server, collections: tuple[str, ...]) -> None:
        """Read everything, then once more and compare. Raises FailedError on a wrong byte."""
        for name in collections:
            count = len(stage.content.collections[name])
            for last in range(_WARM_TIMES):
                if server.secure:
                    wrong = compare(server.port, stage.content, stage.content.collections[name])
                    if wrong:
                        raise FailedError(f"{server.name} serves {name} wrong: {wrong}")
                    continue
                load = Load(
                    stage.content.list_of(name),
                    requests=count,
                    walk=True,
                    compare=stage.content.root if last else None,
                )
                answers = stage.load.run(server.port, load)
                if answers.errors:
                    raise FailedError(f"{server.name} serves {name} wrong: {answers.first_error}")
        if collections:
            self._say(f"{server.output.stem}: {', '.join(collections)} cached and compared")


def upload(port: int, path: str, file: Path) -> None:
    """PUT one file to our origin. Raises FailedError."""
    assert path.startswith(PREFIX)
    connection = http.client.HTTPConnection(HOST, port, timeout=120, blocksize=1 << 20)
    with file.open("rb") as body:
        connection.request(
            "PUT",
            path,
            body=body,
            headers={"Content-Length": str(file.stat().st_size), "Content-Type": "video/mp4"},
        )
        answer = connection.getresponse()
        text = answer.read()
    connection.close()
    if answer.status not in (200, 201):
        raise FailedError(f"upload of {path}: {answer.status} {text[:300]!r}")
