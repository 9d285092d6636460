"""A crowd at a cold film: how much later than the first each has its first byte, beside peers.

    python -m scripts.benchmark.crowds [--clients 1000] [--rounds 5] [--workers 1] [--peers NAMES]

Each round asks each server for a film that nobody has asked for before, from an origin 20 ms away
at 1 Gbit/s, by clients that close once they have a first byte of content. Two figures of each
follower: its first byte after that of the first client of all, and its own wait from question to
first byte beside the wait of who asked first. Beside them stands the least there can be
(`crowd_floor`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from scripts.benchmark import procfs
from scripts.benchmark.far_origin import FarOrigin
from scripts.benchmark.launch import (
    HOST,
    Launcher,
    Server,
    free_port,
    wait_until_it_answers,
)
from scripts.benchmark.peers import PEERS, Site, nginx_static
from scripts.benchmark.stage import CINEDGE, OURS

_ROUND_TRIP_SECONDS: Final = 0.02
_BYTES_PER_SECOND: Final = 125e6
_SIZE_BYTES: Final = 16 << 20
_TICK_SECONDS: Final = 0.02
_PAUSE_SECONDS: Final = 0.3
_READY: Final = "/ready"


@contextmanager
def servers(
    work: Path, workers: int, peers: list[str], rounds: int, clients: int
) -> Iterator[tuple[FarOrigin, list[Server]]]:
    """Ours, the peers and the floor, before one origin that is near as yet."""
    films = work / "www" / "cold"
    films.mkdir(parents=True)
    (work / "www" / "ready").write_text("ready")
    for number in range(rounds):
        (films / f"{number}.mp4").write_bytes(number.to_bytes(8, "big") * (_SIZE_BYTES // 8))
    with ExitStack() as stack:
        launcher = stack.enter_context(Launcher(work / "output", None))
        site = _site(work / "origin", 0, 1)
        words = nginx_static(site, work / "www").words
        origin = launcher.start("origin", words, site.port)
        wait_until_it_answers(origin, _READY)
        far = stack.enter_context(FarOrigin(origin.port))
        started = [_ours(launcher, work, far.port, workers)]
        for name in peers:
            site = _site(work / name, far.port, workers)
            command = PEERS[name].prepare(site)
            started.append(launcher.start(name, command.words, site.port, env=command.env))
        started.append(_floor(launcher, clients))
        for server in started:
            wait_until_it_answers(server, _READY)
        yield far, started


def _site(folder: Path, origin_port: int, workers: int) -> Site:
    folder.mkdir()
    return Site(folder, free_port(), origin_port, workers)


def _ours(launcher: Launcher, work: Path, origin_port: int, workers: int) -> Server:
    port = free_port()
    words: list[str | Path] = [CINEDGE, "edge", "--listen", f"{HOST}:{port}"]
    words += ["--workers", str(workers), "--pull", f"http://{HOST}:{origin_port}"]
    words += ["--cache", work / "cache", "--access-log", work / "log"]
    return launcher.start(OURS, words, port)


def _floor(launcher: Launcher, clients: int) -> Server:
    port = free_port()
    words = [sys.executable, "-m", "scripts.benchmark.crowd_floor", str(port), str(clients)]
    return launcher.start("floor", words, port)


def ask(server: Server, path: str, clients: int) -> dict[str, Any]:
    """What became of a crowd."""
    words = [sys.executable, "-m", "scripts.benchmark.crowd_client"]
    words += [str(server.port), path, str(clients), "leave"]
    done = subprocess.run(words, check=True, capture_output=True, timeout=120)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def rest(server: Server) -> None:
    """Wait until a server is done with those who have left."""
    before, now = -1.0, procfs.cpu_seconds(server.pids())
    while now > before + _TICK_SECONDS:
        time.sleep(_PAUSE_SECONDS)
        before, now = now, procfs.cpu_seconds(server.pids())


def measure(args: argparse.Namespace, work: Path) -> None:
    """Play all rounds, server beside server, and print a line for each server."""
    peers = [name for name in args.peers.split(",") if name]
    seen: dict[str, list[dict[str, Any]]] = {}
    run = (args.workers, peers, args.rounds, args.clients)
    with servers(work, *run) as (far, started):
        far.place(_ROUND_TRIP_SECONDS, _BYTES_PER_SECOND)
        for number in range(args.rounds):
            for server in started:
                told = ask(server, f"/cold/{number}.mp4", args.clients)
                assert set(told["statuses"]) == {"200"}, told["statuses"]
                seen.setdefault(server.name, []).append(told)
                rest(server)
    for name, rounds in seen.items():
        print(f"{name:8} {figures(rounds)}", flush=True)


def figures(rounds: list[dict[str, Any]]) -> str:
    """Medians over the rounds, in milliseconds."""
    added = [median(told["added_ms"]) for told in rounds]
    return (
        f"leader {median(told['leader_ms'] for told in rounds):.1f} ms, followers "
        f"+{median(added):.1f} ({min(added):.1f} to {max(added):.1f}) at the median, "
        f"+{median(told['added_ms'][-1] for told in rounds):.1f} at most; own wait "
        f"{median(median(told['own_added_ms']) for told in rounds):+.1f}; asked within "
        f"{median(told['asked_ms'] for told in rounds):.1f}"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--peers", default="nginx,varnish")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(args, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
