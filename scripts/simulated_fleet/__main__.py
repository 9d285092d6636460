"""python -m scripts.simulated_fleet --edges 500: a router and its page over edges that are played.

Prints where the page is; Ctrl-C ends it. `--incidents-per-minute` lets edges die, drain and
overflow, and come back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

import aiohttp

from scripts.demo_topology import free_ports
from scripts.simulated_fleet.edges import SimulatedFleet
from scripts.simulated_fleet.orders import serve_orders
from scripts.simulated_fleet.world import (
    CITIES,
    HOST,
    TOWNS,
    edge_names,
    topology_of,
    viewer_address,
)


def main() -> int:
    """Parse, run, end; 1 when the router or the play ended by itself."""
    parser = argparse.ArgumentParser(prog="scripts.simulated_fleet", description=__doc__)
    parser.add_argument("--edges", type=int, default=500)
    parser.add_argument("--port", type=int, default=0, help="of the router; 0: a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--incidents-per-minute", type=float, default=4.0)
    parser.add_argument("--viewers-per-second", type=float, default=40.0)
    with suppress(KeyboardInterrupt):
        return asyncio.run(_run(parser.parse_args()))
    return 0


async def _run(options: argparse.Namespace) -> int:
    named = edge_names(options.edges)
    names = [name for name, _ in named]
    fleet = SimulatedFleet(names, Random(options.seed), time.time)
    await fleet.start()
    origin = await serve_orders(names, options.seed, time.time, HOST)
    origin_port = origin.sockets[0].getsockname()[1]
    port = options.port or free_ports(1)[0]
    edges = [(name, site, f"http://{HOST}:{fleet.ports[name]}") for name, site in named]
    topology = topology_of(edges, f"{HOST}:{port}", f"{HOST}:{origin_port}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "topology.yaml"
        path.write_text(json.dumps(topology))
        router = await _start_router(path)
        tasks: list[asyncio.Task[None]] = []
        tasks.append(asyncio.create_task(_watch(options, f"http://{HOST}:{port}")))
        if options.incidents_per_minute > 0:
            happening = fleet.trouble(Random(options.seed + 1), options.incidents_per_minute)
            tasks.append(asyncio.create_task(happening))
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        ends = [asyncio.ensure_future(router.wait()), asyncio.ensure_future(stopped.wait())]
        await asyncio.wait([*ends, *tasks], return_when=asyncio.FIRST_COMPLETED)
        if not stopped.is_set():
            print(_why_ended(router, tasks), file=sys.stderr, flush=True)
        for task in (*tasks, *ends):
            task.cancel()
        if router.returncode is None:
            router.terminate()
        await asyncio.gather(*tasks, *ends, return_exceptions=True)
        await router.wait()
    origin.close()
    await fleet.close()
    return 0 if stopped.is_set() else 1


def _why_ended(router: asyncio.subprocess.Process, tasks: Sequence[asyncio.Task[None]]) -> str:
    if router.returncode is not None:
        return f"the router ended by itself ({router.returncode})"
    failures = [task.exception() for task in tasks if task.done()]
    return f"the play ended by itself: {failures[0]!r}"


async def _start_router(topology: Path) -> asyncio.subprocess.Process:
    words = ("-m", "scripts.cli.main", "router", "--topology", str(topology), "--name", "router")
    return await asyncio.create_subprocess_exec(sys.executable, *words, start_new_session=True)


async def _watch(options: argparse.Namespace, router: str) -> None:
    """Say where the page is once the router knows all edges, then ask it as viewers would."""
    chance, places = Random(options.seed + 2), len(CITIES) + len(TOWNS)
    async with aiohttp.ClientSession() as session:
        await _until_ready(session, router)
        print(f"Operate: {router}/operate/", flush=True)
        while options.viewers_per_second > 0:
            await asyncio.sleep(chance.expovariate(options.viewers_per_second))
            fields = {"X-Forwarded-For": viewer_address(chance.randrange(places))}
            film = f"{router}/films/film-{min(int(chance.paretovariate(0.8)), 500)}.mp4"
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(film, headers=fields, allow_redirects=False):
                    pass


async def _until_ready(session: aiohttp.ClientSession, router: str) -> None:
    while True:
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(f"{router}/readyz") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
