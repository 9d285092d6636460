"""The router's part of the stage that needs set-ups of its own: redirects and DNS beside peers."""

from __future__ import annotations

import dataclasses
import os
from contextlib import ExitStack
from pathlib import Path

from scripts.benchmark.dns_load import build_dns_load, wait_until_it_resolves
from scripts.benchmark.launch import HOST, Launcher, Server, free_port, wait_until_it_answers
from scripts.benchmark.measures import Kind, kinds
from scripts.benchmark.peers import Site, find_program
from scripts.benchmark.routing_peers import (
    NGINX,
    POWERDNS,
    nginx_redirects,
    powerdns,
    write_dns_topology,
)
from scripts.benchmark.stage import CINEDGE, OURS, Stage


def add_routing(stage: Stage, work: Path, stack: ExitStack) -> None:
    """Start what the routing measures of a plan need. Raises FailedError."""
    wanted = kinds(stage.plan.measures)
    cores = sorted(os.sched_getaffinity(0))
    launcher = stack.enter_context(
        Launcher(work / "routing-output", {cores[0]} if stage.polls else None)
    )
    if Kind.ROUTER in wanted and NGINX in stage.plan.peers:
        peer = _start_redirects(stage, work, launcher)
        wait_until_it_answers(peer, stage.content.collections["titles"][0].path, 302)
        stage.routers.append(peer)
    if Kind.DNS in wanted:
        load = build_dns_load(work, {cores[1]} if stage.polls else None)
        stage.ask_names = load.run
        stage.name_servers += _start_name_servers(stage, work, launcher)
        for server in stage.name_servers:
            wait_until_it_resolves(server)


def _start_redirects(stage: Stage, work: Path, launcher: Launcher) -> Server:
    site = Site(_folder(work, "nginx-redirects"), free_port(), 0, stage.plan.workers)
    command = nginx_redirects(site, "http://edge.example")
    return launcher.start(NGINX, command.words, site.port, label="nginx-redirects")


def _start_name_servers(stage: Stage, work: Path, launcher: Launcher) -> list[Server]:
    edge = (stage.edges[:1] or stage.origins[:1] or [_ready_server(work, launcher)])[0]
    http, dns = free_port(), free_port()
    topology = write_dns_topology(_folder(work, "dns"), http, dns, edge.port)
    words: list[str | Path] = [CINEDGE, "router", "--topology", topology]
    ours = launcher.start(OURS, words, dns, label="dns")
    wait_until_it_answers(dataclasses.replace(ours, port=http), "/readyz")
    if not stage.plan.peers or find_program("pdns_server") is None:
        return [ours]
    site = Site(_folder(work, POWERDNS), free_port(), 0, stage.plan.workers)
    command = powerdns(site, topology, CINEDGE)
    return [ours, launcher.start(POWERDNS, command.words, site.port)]


def _ready_server(work: Path, launcher: Launcher) -> Server:
    """An origin, which says on /readyz what an edge would."""
    port = free_port()
    words: list[str | Path] = [
        CINEDGE,
        "origin",
        "--listen",
        f"{HOST}:{port}",
        "--data",
        work / "behind-dns",
    ]
    server = launcher.start(OURS, words, port, label="behind-dns")
    wait_until_it_answers(server, "/readyz")
    return server


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir()
    return folder
