"""Which blocks to fetch for a reader: what it needs next, a window before it, and some ahead.

Pure arithmetic on block numbers; blocks are half-open ranges [first, stop).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WINDOW_BLOCKS: Final = 16
"""How far a fill may run before the reader that asked: bounds memory and waste."""
SEEK_WINDOW_BLOCKS: Final = 2
"""The same just after a seek to somewhere, up to the end: such readers often leave at once."""
_STEADY_READS: Final = 64
"""After so many answers in sequence another one's worth is fetched ahead."""

_WAIT_SECONDS_MAX: Final = 10.0
"""Longer pauses say nothing of the next one."""


@dataclass(frozen=True, slots=True)
class Session:
    """How a connection has read an entry: up to `stop`, with `steps` answers in sequence.

    `ahead` is how many blocks behind its answer are fetched, after `wait_seconds`. It asked last at
    `asked_at`; `is_hasty` says that waiting has made something come too late.
    """

    stop: int
    steps: int
    ahead: int
    asked_at: float = 0.0
    wait_seconds: float = 0.0
    is_hasty: bool = False


def next_session(
    previous: Session | None,
    start: int,
    stop: int,
    block_bytes: int,
    ahead_max: int,
    is_late: bool,
    now: float = 0.0,
) -> Session:
    """A connection asks for bytes [start, stop) at `now`; `previous` is None for another entry.

    Ahead of it comes as much as it asked for: then the next step of a sequential reader is a hit,
    and a reader that leaves has cost one step. It becomes more while reading goes on, sooner when
    what was ahead came too late, and begins anew after a seek.

    A player that keeps a pace is given half of it to leave before anything is fetched ahead, unless
    something came too late before: who leaves costs nothing then.
    """
    step = min(ahead_max, max(1, -(-(stop - start) // block_bytes)))
    if previous is None or start != previous.stop:
        return Session(stop, 1, step, now)
    is_hasty = is_late or previous.is_hasty
    wait_seconds = min(_WAIT_SECONDS_MAX, (now - previous.asked_at) / 2)
    ahead = max(previous.ahead, step)
    if is_late:
        ahead *= 2
    elif previous.steps % _STEADY_READS == 0:
        ahead += step
    return Session(
        stop,
        previous.steps + 1,
        min(ahead, ahead_max),
        now,
        0.0 if is_hasty else max(0.0, wait_seconds),
        is_hasty,
    )


def window_at(read_blocks: int, is_seek: bool) -> int:
    """How far a fill may run before a reader that has read so many blocks."""
    if not is_seek:
        return WINDOW_BLOCKS
    return min(WINDOW_BLOCKS, max(SEEK_WINDOW_BLOCKS, 2 * read_blocks))


def wants_block(
    block: int, cursor: int, stop: int, ahead: int, window: int = WINDOW_BLOCKS
) -> bool:
    """Does a reader at `cursor` on its way to `stop` still have a use for `block`?"""
    return cursor <= block < min(stop + ahead, cursor + window + ahead)


def is_on_the_way(block: int, cursor: int, stop: int, ahead: int) -> bool:
    """Will that reader come to `block`, or have it read ahead, if it goes on?"""
    return cursor <= block < stop + ahead


def first_part(
    first_byte: int, stop_byte: int | None, block_bytes: int, ahead_max: int
) -> tuple[int, int]:
    """Bytes to ask for when nothing is known of the content: whole blocks, a window at most.

    What a sequential reader asks for next comes along, or its first step would cost a round trip.
    """
    first = first_byte // block_bytes
    if stop_byte is None:
        last = first + window_at(0, is_seek=first_byte > 0) + ahead_max
        return first * block_bytes, last * block_bytes
    session = next_session(None, first_byte, stop_byte, block_bytes, ahead_max, is_late=False)
    stop = -(-stop_byte // block_bytes)
    last = min(max(stop, first + 1), first + WINDOW_BLOCKS) + session.ahead
    return first * block_bytes, last * block_bytes


def plan_run(
    at_hand: Callable[[int], bool],
    cursor: int,
    stop: int,
    count: int,
    ahead: int,
    window: int = WINDOW_BLOCKS,
) -> tuple[int, int] | None:
    """The next run of blocks to ask for, None when enough is at hand or on its way.

    `at_hand(block)` is true for blocks that are held or being filled. A run starts when a block
    inside half the window is missing, or one of the `ahead` blocks behind the range, and goes to
    the end of the window, so that a sequential reader costs one request for every half window.
    """
    needed_stop = min(stop, cursor + window // 2, count)
    horizon = min(stop + ahead, cursor + window + ahead, count)
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
