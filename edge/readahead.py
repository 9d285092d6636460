"""Which blocks to fetch for a reader: what it needs next, a window before it, and some ahead.

Pure arithmetic on block numbers; blocks are half-open ranges [first, stop).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

WINDOW_BLOCKS: Final = 16
"""How far a fill may run before the reader that asked: bounds memory and waste."""


def wants_block(block: int, cursor: int, stop: int, ahead: int) -> bool:
    """Does a reader at `cursor` on its way to `stop` still have a use for `block`?"""
    return cursor <= block < min(stop + ahead, cursor + WINDOW_BLOCKS + ahead)


def first_part(
    first_byte: int, stop_byte: int | None, block_bytes: int, ahead: int
) -> tuple[int, int]:
    """Bytes to ask for when nothing is known of the content: whole blocks, a window at most.

    What a sequential reader asks for next comes along, or its first step would cost a round trip.
    """
    first = first_byte // block_bytes
    stop = first + WINDOW_BLOCKS if stop_byte is None else -(-stop_byte // block_bytes)
    last = min(max(stop, first + 1), first + WINDOW_BLOCKS) + ahead
    return first * block_bytes, last * block_bytes


def plan_run(
    at_hand: Callable[[int], bool], cursor: int, stop: int, count: int, ahead: int
) -> tuple[int, int] | None:
    """The next run of blocks to ask for, None when enough is at hand or on its way.

    `at_hand(block)` is true for blocks that are held or being filled. A run starts when a block
    inside half the window is missing, or one of the `ahead` blocks behind the range, and goes to
    the end of the window, so that a sequential reader costs one request for every half window.
    """
    needed_stop = min(stop, cursor + WINDOW_BLOCKS // 2, count)
    horizon = min(stop + ahead, cursor + WINDOW_BLOCKS + ahead, count)
    soon_stop = min(max(needed_stop, min(stop + ahead, cursor + 1 + ahead)), horizon)
    first = cursor
    while first < soon_stop and at_hand(first):
        first += 1
    if first >= soon_stop:
        return None
    last = first
    while last < horizon and not at_hand(last):
        last += 1
    return first, last
