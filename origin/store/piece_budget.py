"""How many pieces each upload may have on its way, so that all together fit into memory. Pure."""

from __future__ import annotations

from typing import Final

PIECES_MAX: Final = 64
"""Of all uploads together, as long as there are not more uploads than that."""

AHEAD_MAX: Final = 6
"""Of one upload: more does not make a disk faster."""


class PieceBudget:
    """Shared by the writers of a store; each has the same share, and one piece at the least."""

    def __init__(self, pieces_max: int = PIECES_MAX, ahead_max: int = AHEAD_MAX) -> None:
        self._pieces_max = pieces_max
        self._ahead_max = ahead_max
        self._writers = 0

    def join(self) -> None:
        """One writer more."""
        self._writers += 1

    def leave(self) -> None:
        """One writer less."""
        self._writers -= 1

    def share(self) -> int:
        """How many pieces may wait for the threads of one writer now."""
        return max(1, min(self._ahead_max, self._pieces_max // max(1, self._writers)))
