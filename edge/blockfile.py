"""An open file of cached bytes that lives exactly as long as somebody holds it.

A descriptor number is reused by the system the moment it is closed, so a response in flight must
never hold a bare number. It holds the `BlockFile`; evicting a block drops the cache's reference,
and the last response to finish closes the descriptor.
"""

from __future__ import annotations

import os


class BlockFile:
    """Owner of one read descriptor."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self) -> None:
        try:
            os.close(self.fd)
        except OSError:
            pass
