"""Which bytes of a file go over which stream: pure arithmetic over the origin's extents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `[start, stop)` of a file."""

    start: int
    stop: int

    @property
    def size_bytes(self) -> int:
        """How many bytes."""
        return self.stop - self.start


def split(size_bytes: int, extent_bytes: int, streams: int) -> list[Span]:
    """Cut a file into at most `streams` spans that begin where extents begin, nearly alike."""
    extents = max(1, -(-size_bytes // extent_bytes))
    streams = max(1, min(streams, extents))
    bounds = [min(size_bytes, extents * n // streams * extent_bytes) for n in range(streams)]
    return [
        Span(start, stop)
        for start, stop in zip(bounds, [*bounds[1:], size_bytes], strict=True)
        if stop > start or streams == 1
    ]


def pause_seconds(failures: int, longest: float = 30.0) -> float:
    """How long to wait after so many failures in a row."""
    return float(min(longest, 0.5 * 2 ** max(0, failures - 1)))
