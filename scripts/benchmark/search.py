"""How long a search takes over a list of films while titles are being saved.

    python -m scripts.benchmark.search films.jsonl.zst --titles 20000

Queries are typed letter by letter, half of them with facets, by one person at a time; meanwhile
titles are saved one after the other and taken into the index. Searches in a thread of their own and
in the event loop itself take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import yaml

from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import open_database, parse_database_url
from origin.catalog.tables import titles
from origin.catalog.title_feed import all_titles, next_titles
from origin.domains.search.asking import Filters
from origin.domains.search.index import FilmIndex, open_index
from origin.domains.search.keeping import take_in
from origin.domains.search.rules import Asked, read_query
from scripts.ingest_client.lines import read_lines
from scripts.ingest_client.titles import ListedTitle, read_titles

_QUERIES: Final = Path(__file__).parents[2] / "tests" / "vectors" / "search_queries.yaml"
_CANDIDATES: Final = 100
_REFRESH_SECONDS: Final = 1.0
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: milliseconds of a search as its caller sees it, and of processor time alone.

    And how many searches there were, and how many titles were saved meanwhile.
    """

    p50_ms: float
    p99_ms: float
    cpu_p50_ms: float
    cpu_p99_ms: float
    searches: int
    saved: int


def typed(queries: Sequence[str]) -> list[str]:
    """Each query as it is typed: every beginning of it, in random order."""
    beginnings = [query[:stop] for query in queries for stop in range(1, len(query) + 1)]
    random.Random(1).shuffle(beginnings)
    return beginnings


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def fill(folder: Path, listed: Sequence[ListedTitle]) -> None:
    """A database with these titles."""
    database = await open_database(parse_database_url("", folder))
    rows = [
        {
            "id": title.id,
            "body": json.dumps(dict(title.members), ensure_ascii=False),
            "version": 1,
            "updated_at": 0.0,
            "etag": '"1-0"',
        }
        for title in listed
    ]
    for start in range(0, len(rows), _BATCH):
        async with database.begin() as connection:
            await connection.execute(titles.insert(), rows[start : start + _BATCH])
    await database.close()


@contextlib.asynccontextmanager
async def doing(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do this meanwhile."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def save(catalog: Catalog, saved: list[str]) -> None:
    """Save titles one after the other all the time, and note which."""
    while True:
        rows, _ = catalog.titles.page(limit=len(catalog.titles))
        for row in rows:
            await catalog.put_title(row.title_id, row.body, lambda _: None)
            saved.append(row.title_id)


async def follow(catalog: Catalog, index: FilmIndex, writing: Executor) -> None:
    """Take into the index what is saved, as an origin does."""
    loop = asyncio.get_running_loop()
    while True:
        changes = await next_titles(catalog, index.place)
        await loop.run_in_executor(writing, partial(take_in, index, changes, is_all=False))
        await asyncio.sleep(_REFRESH_SECONDS)


async def measure(
    catalog: Catalog, index: FilmIndex, queries: Sequence[str], seconds: float, *, in_thread: bool
) -> Figures:
    """Search for `seconds` while titles are saved."""
    took: list[tuple[float, float]] = []
    saved: list[str] = []
    until = time.perf_counter() + seconds
    with ThreadPoolExecutor(1) as writing:
        async with doing(follow(catalog, index, writing)), doing(save(catalog, saved)):
            await search(index, queries, until, took, in_thread=in_thread)
    waited, worked = zip(*took, strict=True)
    return Figures(
        p50_ms=percentile(waited, 0.5),
        p99_ms=percentile(waited, 0.99),
        cpu_p50_ms=percentile(worked, 0.5),
        cpu_p99_ms=percentile(worked, 0.99),
        searches=len(took),
        saved=len(saved),
    )


async def search(
    index: FilmIndex,
    queries: Sequence[str],
    until: float,
    took: list[tuple[float, float]],
    *,
    in_thread: bool,
) -> None:
    """Search until that time, and note the milliseconds of each, waited and worked."""
    while time.perf_counter() < until:
        query = queries[len(took) % len(queries)]
        find = partial(worked_ms, index, read_query(query), with_facets=bool(len(took) % 2))
        began = time.perf_counter()
        worked = await asyncio.to_thread(find) if in_thread else find()
        took.append(((time.perf_counter() - began) * 1000, worked))
        await asyncio.sleep(0)


def worked_ms(index: FilmIndex, asked: Asked, *, with_facets: bool) -> float:
    """Search, and say how much processor time it took this thread."""
    began = time.thread_time()
    index.find(asked, Filters(), _CANDIDATES, with_facets=with_facets)
    return (time.thread_time() - began) * 1000


async def run(folder: Path, args: argparse.Namespace) -> list[Figures]:
    """Build, then measure in turns, printing a line for each."""
    listed = list(islice(read_titles(read_lines(args.file)), args.titles))
    await fill(folder, listed)
    catalog = await open_catalog(parse_database_url("", folder), time.time)
    index = open_index(folder / "search", print)
    began = time.perf_counter()
    take_in(index, all_titles(catalog), is_all=True)
    print(f"{len(listed)} titles indexed in {time.perf_counter() - began:.1f} s")
    queries = typed([case["query"] for case in yaml.safe_load(_QUERIES.read_text())])
    figures: list[Figures] = []
    for number in range(args.rounds):
        for in_thread in (True, False) if number % 2 else (False, True):
            one = await measure(catalog, index, queries, args.seconds, in_thread=in_thread)
            print(
                f"{'thread' if in_thread else 'loop':7} p50 {one.p50_ms:6.2f} ms "
                f"p99 {one.p99_ms:6.2f} ms; of the processor p50 {one.cpu_p50_ms:.2f} ms "
                f"p99 {one.cpu_p99_ms:.2f} ms; {one.searches} searches, {one.saved} titles saved"
            )
            figures.append(one)
    index.close()
    await catalog.close()
    return figures


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a list as `cinedge catalog import` takes it")
    parser.add_argument("--titles", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    with tempfile.TemporaryDirectory(prefix="cinedge-search-") as folder:
        asyncio.run(run(Path(folder), parser.parse_args()))


if __name__ == "__main__":
    main()
