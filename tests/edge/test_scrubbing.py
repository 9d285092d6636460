"""What a disk spoils is found and fetched again."""

from __future__ import annotations

import random
from pathlib import Path

from edge.scrubbing import Scrubbing
from tests.edge.conftest import BLOCK, Edge, Plan, eventually

FILM = random.Random(3).randbytes(4 * BLOCK + 5)
PATH = "/film.mp4"


async def held(edge: Edge) -> list[Path]:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    assert (await client.ask(PATH)).body == FILM
    holdings = edge.worker.holdings
    await eventually(lambda: holdings.held_blocks == 5, "all is held")
    assert (await client.ask(PATH)).body == FILM
    return sorted(path for path in holdings.disks[0].path.rglob("*-*") if path.is_file())


def spoil(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 4]))


async def test_a_spoilt_block_is_found_let_go_and_fetched_again(plan: Plan) -> None:
    async with plan.start() as edge:
        files = await held(edge)
        holdings = edge.worker.holdings
        spoil(files[2], BLOCK // 3)
        scrubbing = Scrubbing(holdings, 1 << 40)
        await scrubbing.go_round()
        assert (holdings.corrupt_blocks_total, holdings.held_blocks) == (1, 4)
        assert scrubbing.read_bytes_total == len(FILM)
        client = await edge.client()
        assert (await client.ask(PATH)).body == FILM
        await eventually(lambda: holdings.held_blocks == 5, "it was fetched again")
        await scrubbing.go_round()
        assert holdings.corrupt_blocks_total == 1


async def test_what_was_spoilt_between_a_clean_stop_and_a_start_is_found(plan: Plan) -> None:
    async with plan.start() as edge:
        files = await held(edge)
    spoil(files[4], 3)
    async with plan.start() as edge:
        holdings = edge.worker.holdings
        await Scrubbing(holdings, 1 << 40).go_round()
        assert holdings.corrupt_blocks_total == 1
        assert (await (await edge.client()).ask(PATH)).body == FILM


async def test_a_block_that_left_meanwhile_is_no_news(plan: Plan) -> None:
    async with plan.start() as edge:
        await held(edge)
        holdings = edge.worker.holdings
        (entry,) = holdings.entries.values()
        holdings.invalidate(entry.key)
        holdings.spoilt(entry, 0, OSError("gone"))
        assert holdings.corrupt_blocks_total == 0


async def test_without_a_rate_nothing_is_read(plan: Plan) -> None:
    async with plan.start() as edge:
        await held(edge)
        scrubbing = Scrubbing(edge.worker.holdings, 0)
        await scrubbing.run()
        assert scrubbing.read_bytes_total == 0
