"""How much of a block on its way is worth a send. Pure: sizes in bytes.

A send costs the same for a few bytes as for many, and a copy from memory more than the block's
file, which is there as soon as the block is whole. So few bytes wait for more, and readers in a
crowd wait for the file; but not for long: what has lain here for a while goes out, or a slow
upstream would seem to stand still (docs/decisions/0055-what-is-worth-a-send.md).
"""

from __future__ import annotations

from typing import Final

CROWD: Final = 8
"""Readers of one growing block from which on copying to each costs more than waiting."""
STEP_BYTES: Final = 256 * 1024
"""Smallest piece sent from a growing block, but for the first, the last and what has waited."""
FIRST_BYTES: Final = 4 * 1024
"""What readers in a crowd get at first: 64 KiB take twice as long to send (docs/benchmarks.md)."""
BESIDE_HEAD_BYTES: Final = 64 * 1024
"""As much of a block as is put behind a head, to leave by the same call."""
PATIENCE_SECONDS: Final = 0.1
"""So long bytes at hand wait for more, at most twice: a fifth of a second seems no pause."""


def is_worth_sending(at_hand: int, *, is_rest: bool, is_crowded: bool, is_overdue: bool) -> bool:
    """Should a reader that has begun get `at_hand` bytes from memory now?

    `is_rest`: no more of this block comes for it. `is_overdue`: they have waited long enough.
    """
    if is_overdue:
        return True
    return not is_crowded and (is_rest or at_hand >= STEP_BYTES)


def first_piece(at_hand: int, is_crowded: bool) -> int:
    """How much of them a reader gets first, behind its head."""
    return min(at_hand, FIRST_BYTES if is_crowded else BESIDE_HEAD_BYTES)
