"""How long `GET /v1/recommendations` takes, where a run has lists for many profiles.

    python -m scripts.benchmark.shown
    python -m scripts.benchmark.shown --database postgresql://cinedge@127.0.0.1/cinedge

The lists are written as the batch job writes them; an origin is started as anybody would, somebody
signs in, and connections ask for that profile's list, one request after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import yaml

from origin.catalog import recommended
from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.recommended import CONTROL, PROFILE, REGION, Item, TitleList
from origin.catalog.tables import titles
from scripts.benchmark import procfs
from scripts.benchmark.activity import CHEAP, CINEDGE, ask, enter
from scripts.benchmark.launch import HOST, Launcher, Server, free_port, wait_until_it_answers
from scripts.cli.errors import FailedError

RUN: Final = "run"
ITEMS: Final = 30
TITLES: Final = 2_000
_AT_A_TIME: Final = 1_000


def make_list(owner: str, kind: str = PROFILE, account: str = "a") -> TitleList:
    """A list of thirty titles, the same for the same owner."""
    chance = random.Random(owner)
    chosen = chance.sample(range(TITLES), ITEMS + 1)
    reason = f"t{chosen.pop()}"
    items = (Item(f"t{n}", 1.0 - place / 100, reason) for place, n in enumerate(chosen))
    return TitleList(kind, owner, account, tuple(items))


async def fill(database: Database, profiles: int) -> None:
    """Titles, and a run that is shown."""
    bodies = (json.dumps({"title": f"Film {n}", "year": 2000}) for n in range(TITLES))
    rows = [
        {"id": f"t{n}", "body": body, "version": 1, "updated_at": 0.0, "etag": f'"{n}"'}
        for n, body in enumerate(bodies)
    ]
    async with database.begin() as connection:
        await connection.execute(sa.insert(titles), rows)
        await recommended.begin_run(connection, RUN, 1.0, {})
        await recommended.save_lists(connection, RUN, [make_list("", REGION)])
    for first in range(0, profiles, _AT_A_TIME):
        some = range(first, min(first + _AT_A_TIME, profiles))
        async with database.begin(is_lasting=False) as connection:
            lists = [make_list(f"p{n}") for n in some]
            await recommended.save_lists(connection, RUN, lists)
    async with database.begin() as connection:
        await recommended.finish_run(connection, RUN, {"lists": profiles + 1})
        await recommended.promote(connection, RUN, CONTROL, made_by="benchmark", at=1.0)


async def in_database(url: sa.URL, work: Any) -> None:
    """Do something with the origin's database."""
    database = await open_database(url)
    try:
        await work(database)
    finally:
        await database.close()


def ask_again(server: Server, token: str, count: int) -> list[float]:
    """Seconds of each answer over one connection. Raises FailedError."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
    took = []
    for _ in range(count):
        began = time.perf_counter()
        connection.request(
            "GET", "/v1/recommendations", headers={"Authorization": f"Bearer {token}"}
        )
        answer = connection.getresponse()
        body = answer.read()
        took.append(time.perf_counter() - began)
        if answer.status != 200 or body.count(b'"because"') != 20:
            raise FailedError(f"{answer.status} {body[:300]!r}")
    connection.close()
    return took


def line_of(took: Sequence[float]) -> str:
    """The middle, the 99th of a hundred and the slowest, in milliseconds."""
    ordered = sorted(took)
    middle, late = (ordered[int(share * len(ordered))] for share in (0.5, 0.99))
    return (
        f"p50 {middle * 1000:5.1f} ms  p99 {late * 1000:5.1f} ms  "
        f"slowest {ordered[-1] * 1000:5.1f} ms"
    )


def run(folder: Path, args: argparse.Namespace) -> None:
    """Fill, start, measure, print. Raises FailedError."""
    port, topology = free_port(), folder / "topology.yaml"
    node = {"name": "origin-1", "listen": f"{HOST}:{port}", "data": str(folder / "data")}
    node |= {"database": args.database} if args.database else {}
    topology.write_text(yaml.safe_dump({"origins": [node], "service": {"accounts": CHEAP}}))
    (folder / "data").mkdir()
    url = parse_database_url(args.database, folder / "data")
    asyncio.run(in_database(url, lambda database: fill(database, args.profiles)))
    with Launcher(folder / "logs", None) as launcher:
        command = (*CINEDGE, "origin", "--topology", str(topology))
        server = launcher.start("origin", command, port)
        wait_until_it_answers(server, "/readyz")
        token = enter(server, topology)
        (profile,) = ask(server, "GET", "/v1/profiles", None, token)["items"]

        async def own(database: Database) -> None:
            async with database.begin() as connection:
                await recommended.save_lists(connection, RUN, [make_list(profile["id"])])

        asyncio.run(in_database(url, own))
        ask_again(server, token, 200)
        for number in range(args.rounds):
            cpu = procfs.cpu_seconds(server.pids())
            took = ask_again(server, token, args.requests)
            each_ms = (procfs.cpu_seconds(server.pids()) - cpu) / len(took) * 1000
            print(
                f"round {number + 1}: {len(took)} requests  {line_of(took)}  "
                f"CPU {each_ms:.2f} ms each  load {os.getloadavg()[0]:.0f}",
                flush=True,
            )


def main() -> None:
    """Prints a line for each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="", help="of PostgreSQL; SQLite when left out")
    parser.add_argument("--profiles", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=3)
    with tempfile.TemporaryDirectory(prefix="cinedge-shown-") as folder:
        run(Path(folder), parser.parse_args())


if __name__ == "__main__":
    main()
