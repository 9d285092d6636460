"""Memory of blocks is used again while it is needed, and is not the process's for good."""

from __future__ import annotations

import ctypes
import resource
from pathlib import Path

from edge.block_memory import KEPT_BYTES_MAX, BlockMemory

MIB = 1024 * 1024
EASED_SECONDS = 60
"""In so many, all that is kept of a burst goes."""


def address_of(view: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def written(memory: BlockMemory, count: int) -> list[memoryview]:
    """Blocks with something on each of their pages."""
    blocks = [memory.take(MIB) for _ in range(count)]
    for block in blocks:
        block[:: resource.getpagesize()] = bytes(MIB // resource.getpagesize())
    return blocks


def test_what_was_given_back_is_taken_again_and_nobodys_else() -> None:
    memory = BlockMemory()
    first, second = memory.take(MIB), memory.take(MIB)
    at = address_of(first)
    assert len(first) == MIB
    assert not at <= address_of(second) < at + MIB
    memory.give(first[:7])
    del first
    assert address_of(memory.take(MIB)) == at
    assert len(memory.take(64 * 1024)) == 64 * 1024


def test_no_more_is_kept_than_agreed_and_a_few_of_any_size() -> None:
    memory = BlockMemory()
    for block in [memory.take(MIB) for _ in range(KEPT_BYTES_MAX // MIB + 5)]:
        memory.give(block)
    assert memory.kept_bytes == KEPT_BYTES_MAX
    large = 2 * KEPT_BYTES_MAX
    memory.give(memory.take(large))
    assert memory.kept_bytes == KEPT_BYTES_MAX + large


def test_what_is_needed_each_second_stays() -> None:
    memory = BlockMemory()
    for _ in range(EASED_SECONDS):
        blocks = [memory.take(MIB) for _ in range(5)]
        while blocks:
            memory.give(blocks.pop())
        memory.ease()
    assert memory.kept_bytes == 5 * MIB


def test_what_a_burst_took_is_the_systems_again_though_small_things_outlive_it() -> None:
    memory = BlockMemory()
    before = resident_bytes()
    outliving: list[bytes] = []
    for _ in range(4):
        blocks = []
        for block in written(memory, 60):
            blocks.append(block)
            outliving.append(bytes(5000))
        assert resident_bytes() - before > 50 * MIB
        del block
        while blocks:
            memory.give(blocks.pop())
        for _ in range(EASED_SECONDS):
            memory.ease()
        assert memory.kept_bytes == 0
        assert resident_bytes() - before < 8 * MIB
