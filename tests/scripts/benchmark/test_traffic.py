from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmark.counting_origin import BLOCK_BYTES
from scripts.benchmark.peers import PEERS, find_program
from scripts.benchmark.traffic import Figures, as_blocks, measure, row_of
from scripts.simulation.trace import Trace, whole

MIB = 1 << 20


def _round_and_round(requests: int) -> Trace:
    """1,000 blocks again and again: with less room LRU misses all of them, every time.

    Four times the room: 32 MiB more may wait for a slow disk in memory, and are hits there.
    """
    rows = [(float(now), str(now % 1000 // 20), 1_000, now % 20 * 1_000) for now in range(requests)]
    return as_blocks(whole(rows, Path("t")))


@pytest.mark.timeout(60)
async def test_an_edge_and_its_origin_agree_to_the_byte_and_with_the_simulator() -> None:
    found = await measure(_round_and_round(2500), "lru", 16 * MIB, 1, 2500.0, 0)
    assert found.own_bytes == found.origin_bytes == 2500 * BLOCK_BYTES
    assert found.miss_ratio == found.simulated == 1


@pytest.mark.timeout(60)
async def test_nginx_holds_its_limit_all_the_time() -> None:
    if find_program(PEERS["nginx"].program) is None:
        pytest.skip("needs nginx")
    found = await measure(_round_and_round(2500), "nginx", 16 * MIB, 1, 2500.0, 0)
    assert found.miss_ratio == found.simulated == 1
    assert found.origin_bytes == 2500 * BLOCK_BYTES
    # What comes and goes during a look is not counted.
    assert 15 * MIB < found.held_bytes <= 16 * MIB + BLOCK_BYTES


@pytest.mark.timeout(60)
async def test_nginx_with_room_for_all_is_asked_once_for_each_block() -> None:
    if find_program(PEERS["nginx"].program) is None:
        pytest.skip("needs nginx")
    found = await measure(_round_and_round(2500), "nginx", 64 * MIB, 1, 2500.0, 0)
    assert found.origin_bytes == 1000 * BLOCK_BYTES


def test_a_line_of_the_table_has_a_dash_for_what_a_peer_does_not_say() -> None:
    row = row_of("nginx", Figures(0.81234, 1_000_000, None, 0.8, 40 * MIB, 12.4))
    assert row == ["nginx", "0.8123", "0.8000", "1,000,000", "-", "40.0 MiB", "12"]
