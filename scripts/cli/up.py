"""`cinedge up`: a whole CDN on this machine, with a film to play.

It decides the order (film, processes, upload, the two lines) and leaves keeping processes alive to
`scripts.supervise`, the shape of the cluster to `scripts.demo_topology`, and what a film service
needs beside it to `scripts.demo_service`. Standard output
carries exactly two lines, for programs that read them; progress goes to standard error.
Everything it makes lies in one directory, so a second run finds film, uploads and caches there.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from cdnkit.digests import format_digest_field
from cdnkit.errors import ConflictError, UnavailableError
from cdnkit.service.certificates import trusting_connector
from cdnkit.wire import CONTENT_PREFIX, READY_PATH, TITLES_PATH
from config.load import load_topology
from config.topology import Topology
from scripts.change.control import Control
from scripts.demo_service import beside, furnish, require_parts, urls_beside
from scripts.demo_topology import settle_topology
from scripts.supervise import Supervisor

FILM_KEY = "films/slow-dive.mp4"
TITLE_ID = "slow-dive"
TITLE = {
    "title": "Slow Dive",
    "year": 2026,
    "genres": ["Generated"],
    "description": "Slow colours and a dive into the Mandelbrot set, made on this machine.",
    "media": FILM_KEY,
    "duration_seconds": 64,
}
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TEST_CARD = "A card for trying: 4242424242424242, any date to come, any three digits."
START_SECONDS = 60.0
POLL_SECONDS = 0.1
DESCRIPTION = """\
Starts one origin, the router and three edges in three regions on this machine, puts
a film in, and prints where to play and where to operate. Ctrl-C stops everything. A
second run starts warm."""
EPILOG = """\
examples:
  cinedge up
  cinedge up --service                        with accounts, plans and licences
  cinedge up --data /srv/cinedge

then, beside it:
  cinedge status
  cinedge top"""


def add_parser(subparsers: Any) -> None:
    """Add `up` to the command line."""
    parser = subparsers.add_parser(
        "up",
        help="start a whole CDN on this machine, with a film",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".cinedge"),
        metavar="DIR",
        help="where films, caches, logs and the topology are kept (default: %(default)s)",
    )
    parser.add_argument(
        "--service",
        action="store_true",
        help="with the film service: accounts, plans, and mails that are shown here",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM. Raises UnavailableError, ConflictError, TopologyError."""
    if args.service:
        require_parts()
    data: Path = args.data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    with only_one(data / "lock"):
        asyncio.run(_until_stopped(data, with_service=args.service))
    return 0


def say(sentence: str) -> None:
    """Tell the person at the terminal; never on standard output."""
    print(sentence, file=sys.stderr, flush=True)


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock of a data directory. Raises ConflictError when another run holds it.

    The kernel drops the lock with the process, so a crash leaves nothing to clean up.
    """
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise ConflictError(
                f"another `cinedge up` (process {holder}) runs on {path.parent}; stop it, or give "
                "this one its own directory with --data DIR"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


async def _until_stopped(data: Path, *, with_service: bool) -> None:
    """Bring everything up, then wait for a signal or for a process that cannot be kept alive."""
    stop = _listen_for_stop()
    path = data / ("service.yaml" if with_service else "topology.yaml")
    settle_topology(path, say, with_service=with_service)
    topology = load_topology(path, os.environ)
    async with AsyncExitStack() as stack:
        supervisor = await stack.enter_async_context(Supervisor(data / "logs", say))
        if topology.service is not None:
            around = beside(topology.service, supervisor, data, say)
            await stack.enter_async_context(around)
        for tier, name in _processes(topology):
            supervisor.start(name, _command(tier, name, path))
        control = Control(supervisor, lambda tier, name, first: _command(tier, name, path, first))
        await stack.enter_async_context(control.serving(data))
        work = asyncio.create_task(_present(supervisor, data, topology))
        failure = asyncio.create_task(supervisor.failure())
        stopped = asyncio.create_task(stop.wait())
        await first_of(stopped, failure, work)
        say("Stopping; answers under way get ten seconds, a second Ctrl-C ends them at once.")


def _listen_for_stop() -> asyncio.Event:
    """An event for the first signal; the second one acts as if nobody listened."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hear() -> None:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
        stop.set()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, hear)
    return stop


def _processes(topology: Topology) -> list[tuple[str, str]]:
    return [
        *(("origin", node.name) for node in topology.origins),
        *(("edge", node.name) for node in topology.edges),
        *(("router", node.name) for node in topology.routers),
    ]


def _command(tier: str, name: str, path: Path, first: str | None = None) -> list[str]:
    """How a node is started; with `first` it begins with that file, which is to replace `path`."""
    program = [sys.executable, "-m", "scripts.cli.main"]
    watched = ["--watch", str(path)] if first else []
    return [*program, tier, "--topology", first or str(path), "--name", name, *watched]


async def first_of(stopped: asyncio.Task[Any], *others: asyncio.Task[Any]) -> None:
    """Return when `stopped` is done; raise what any of the others raises before."""
    waiting = {stopped, *others}
    try:
        while not stopped.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _present(supervisor: Supervisor, data: Path, topology: Topology) -> None:
    """Make and upload the film, see it answered through every tier, print the two lines."""
    origin, router = topology.origins[0].url, topology.routers[0].url
    film = data / FILM_KEY
    if not film.exists():
        say("Making a film to play; once, about 15 seconds.")
        await supervisor.call([sys.executable, "-m", "scripts.make_media", str(film)])
    async with _client(topology.authorities) as client:
        await await_answer(client, f"{origin}{READY_PATH}")
        await upload_once(client, origin, film)
        play, operate = f"{origin}/", f"{router}/operate/"
        # Where there is a service, edges want a token, which its viewers get.
        film_urls = [f"{router}/{FILM_KEY}"] if topology.service is None else []
        await await_answer(client, f"{router}{READY_PATH}")
        for url in film_urls:
            await await_answer(client, url, from_cache=True)
        for url in (play, operate):
            await await_answer(client, url)
        if topology.service is not None:
            for url in urls_beside(topology.service):
                await await_answer(client, url)
            await furnish(client, topology.service, origin, TITLE_ID)
    print(f"Play: {play}\nOperate: {operate}", flush=True)
    if topology.service is not None:
        say(f"Join at {play}#/register; mails are shown here. {TEST_CARD}")
    say("Ctrl-C stops it.")


@asynccontextmanager
async def _client(authorities: str) -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=30)
    connector = trusting_connector(authorities)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as client:
        yield client


async def await_answer(
    client: aiohttp.ClientSession, url: str, *, from_cache: bool = False
) -> None:
    """Wait until `url` answers with success, redirects followed. Raises UnavailableError.

    With `from_cache`, until an edge does so by itself: one that was up before the origin's journal
    asks about everything it holds until it has caught up.
    """
    refusal = "no answer"
    try:
        async with asyncio.timeout(START_SECONDS):
            # Another process gives no event to wait for.
            while refusal := await _refusal(client, url, from_cache):  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise UnavailableError(f"{url} did not answer in {START_SECONDS:g} s: {refusal}") from None


async def _refusal(client: aiohttp.ClientSession, url: str, from_cache: bool) -> str:
    """Why `url` does not answer as it is to; empty when it does."""
    try:
        async with client.get(url, headers={"Range": "bytes=0-0"}) as answer:
            if not answer.ok:
                return f"{answer.status} {answer.reason}"
            outcome = answer.headers.get("Cache-Status", "")
            return "" if "hit" in outcome or not from_cache else f"asked for by the edge: {outcome}"
    except aiohttp.ClientError as error:
        return str(error) or type(error).__name__


async def upload_once(client: aiohttp.ClientSession, origin: str, film: Path) -> None:
    """Put film and title in through the public endpoints unless the origin has them."""
    content = f"{origin}{CONTENT_PREFIX}{FILM_KEY}"
    digest = await asyncio.to_thread(_sha256, film)
    async with client.head(content) as answer:
        held = answer.ok and is_etag_of(answer.headers.get("ETag", ""), digest)
    if not held:
        say(f"Uploading {film.name}.")
        headers = {
            "Content-Type": "video/mp4",
            "Repr-Digest": format_digest_field({"sha-256": digest}),
        }
        with film.open("rb") as body:
            await _put(client, content, data=body, headers=headers)
    title = f"{origin}{TITLES_PATH}/{TITLE_ID}"
    async with client.get(title) as answer:
        known = answer.ok
    if not known:
        await _put(client, title, json=TITLE)


def is_etag_of(etag: str, sha256: bytes) -> bool:
    """Whether an ETag of the form `"<generation>-<first digits of the sha256>"` names the bytes."""
    generation, dash, digits = etag.strip('"').partition("-")
    return bool(generation and dash and digits) and sha256.hex().startswith(digits)


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


async def _put(client: aiohttp.ClientSession, url: str, **body: Any) -> None:
    async with client.put(url, **body) as answer:
        if not answer.ok:
            text = (await answer.text())[:500]
            raise UnavailableError(f"PUT {url} was refused: {answer.status} {text}")
