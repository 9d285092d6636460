"""CPU time and memory of each rule at a million units, films of 1,000 blocks or objects of one.

    python -m scripts.benchmark.policies --units 1000000

Every request but the first third finds the cache full. Memory is what the process grows by, over
the units held.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from typing import Final

from edge.cache.index import BlockIndex
from edge.cache.policy.named import POLICIES, order_maker, parse_rule
from edge.cache.policy.slots import Unit
from scripts.benchmark import procfs

_BLOCKS: Final = 1_000
_DAY: Final = 86_400.0


def requests(units: int, blocks: int, count: int) -> Iterator[Unit]:
    """Sessions over twice as many units as are held: titles by a power law, most left early."""
    chance = random.Random(1)
    titles = 2 * units // blocks
    while count > 0:
        number = min(int(chance.paretovariate(0.3)), titles) * 7919 % titles
        stop = blocks if blocks == 1 else min(int(chance.expovariate(3 / blocks)) + 1, blocks)
        for block in range(min(stop, count)):
            yield number, block
        count -= stop


def measure(name: str, units: int, blocks: int) -> tuple[float, float, float]:
    """Microseconds of CPU for a request of the mixture, share of hits, bytes for each unit."""
    asked = list(requests(units, blocks, units))
    before_bytes = procfs.pss_bytes([os.getpid()])
    index = BlockIndex(units, order_maker(parse_rule(name, _DAY, 3 * _DAY)))
    for number in range(2 * units // blocks):
        held = range(blocks if number * blocks < units else 0)
        if held:
            index.expect(number, blocks)
            index.admit_all(number, [*held], 1, 0)
    hits = 0
    started = time.process_time()
    for now, unit in enumerate(asked):
        if index.hit(unit, now):
            hits += 1
        elif index.miss(unit, 1, now):
            index.admit(unit, 1, now)
    took = time.process_time() - started
    grown = procfs.pss_bytes([os.getpid()]) - before_bytes
    return took / len(asked) * 1e6, hits / len(asked), grown / len(index)


def main() -> None:
    """Prints a line for each rule and shape, each measured in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=1_000_000)
    args = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for blocks in (_BLOCKS, 1):
        for name in (*POLICIES, "lru+second"):
            with context.Pool(1) as pool:
                cost, hits, grown = pool.apply(measure, (name, args.units, blocks))
            print(f"{name:12} {blocks:5} blocks {cost:6.2f} us {hits:6.1%} {grown:6.1f} bytes")


if __name__ == "__main__":
    main()
