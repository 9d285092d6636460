"""What a large cache costs, at a size for every day; the full size is measured by hand."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

import pytest

from edge.cache.disk import Disk, FoundObject
from edge.cache.holdings import Holdings
from edge.entry import HELD
from scripts.benchmark.capacity import (
    BLOCK_BYTES,
    BUDGET_BYTES,
    Start,
    bytes_per_block,
    first_hit,
    main,
    make_cache,
    start_on,
)

OBJECTS, BLOCKS = 8, 2_500


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("capacity") / "cache"
    make_cache(path, OBJECTS, BLOCKS)
    return path


def _count_blocks(found: FoundObject) -> int:
    return sum(map(len, found.blocks.values()))


async def load(path: Path, size_bytes: int = 1 << 50) -> Holdings:
    holdings = Holdings([Disk(path, size_bytes)], asyncio.get_running_loop())
    await holdings.load()
    return holdings


async def test_a_held_block_takes_a_third_of_its_budget_and_loading_it_little_more(
    cache: Path,
) -> None:
    await (await load(cache)).close()
    tracemalloc.start()
    try:
        holdings = await load(cache)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert holdings.held_blocks == OBJECTS * BLOCKS
    assert all(set(entry.present) == {HELD} for entry in holdings.entries.values())
    assert kept / holdings.held_blocks < BUDGET_BYTES / 3
    # Sixteen objects are read at once, which here is all of them.
    assert peak / holdings.held_blocks < 2 * BUDGET_BYTES
    await holdings.close()


async def test_a_cache_larger_than_its_room_keeps_what_fits(tmp_path: Path) -> None:
    make_cache(tmp_path, 3, 20)
    holdings = await load(tmp_path, 50 * BLOCK_BYTES)
    assert (holdings.held_blocks, holdings.evicted_blocks_total) == (50, 10)
    await holdings.close()
    assert sum(map(_count_blocks, Disk(tmp_path, 1).scan())) == 50


async def test_the_first_hit_comes_out_of_a_cache_whose_origin_is_down(cache: Path) -> None:
    told: list[int] = []
    await first_hit(cache, told.append)
    assert len(told) == 2
    assert told[0] <= told[1] == OBJECTS * BLOCKS


async def test_what_is_no_hit_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not a hit"):
        await first_hit(tmp_path, lambda blocks: pytest.fail(f"{blocks} were told"))


def test_a_process_of_its_own_starts_on_it_and_says_what_it_took(cache: Path) -> None:
    start = start_on(cache)
    assert start.blocks == OBJECTS * BLOCKS
    assert 0 < start.seconds <= start.loaded_seconds
    assert start.peak_bytes > 10 << 20


def test_only_what_the_larger_cache_adds_is_counted() -> None:
    assert bytes_per_block(Start(100, 0.1, 0.1, 1_000), Start(300, 0.2, 1, 9_000)) == 40.0


def test_the_command_tells_both_figures_and_judges_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[str] = []
    starts = [Start(100, 0.1, 0.1, 1_000), Start(300, 9.9, 15, 9_000)] * 2
    starts[3] = Start(300, 10.1, 15, 9_000)
    monkeypatch.setattr(
        "scripts.benchmark.capacity.make_cache", lambda path, *_: made.append(path.name)
    )
    monkeypatch.setattr("scripts.benchmark.capacity.start_on", lambda _: starts.pop(0))
    command = [str(tmp_path), "--objects", "300", "--blocks", "1000"]
    assert [main(command), main(command)] == [0, 1]
    assert made == ["100x1000", "300x1000"] * 2
    assert "first hit after 9.90 s" in capsys.readouterr().out
