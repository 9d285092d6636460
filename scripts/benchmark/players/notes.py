"""What all players saw, and what servers were seen to use; and what to think of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from scripts.benchmark.figures import percentile
from scripts.benchmark.report import lay_out

_MIB: Final = 1 << 20
_GROWTH_BYTES: Final = 16 * _MIB
_GROWTH_SHARE: Final = 0.1
_GROWTH_DESCRIPTORS: Final = 64


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds of a start: until a router has said where to, until an edge is reached, its piece."""

    router: float
    edge: float
    piece: float

    @property
    def seconds(self) -> float:
        """From the wish to the first piece."""
        return self.router + self.edge + self.piece


@dataclass(slots=True)
class Notes:
    """Seconds from a wish to its first piece, and from asking for a piece to its last byte."""

    starts: list[float] = field(default_factory=list)
    steps: list[Start] = field(default_factory=list)
    """The same starts, by their parts."""
    pieces: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    """By how much the players themselves came too late to what they were about to do."""
    late: int = 0
    seeks: int = 0
    problems: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a server's processes used at one moment of the run."""

    at_seconds: float
    memory_bytes: int
    descriptors: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Use:
    """A server over one part of a run: at its beginning and at its end."""

    cpu_share: float
    memory_bytes: tuple[int, int]
    descriptors: tuple[int, int]

    @property
    def is_flat(self) -> bool:
        """Whether it holds, in the end, about what it held in the beginning."""
        before, after = self.memory_bytes
        allowed = max(_GROWTH_BYTES, int(_GROWTH_SHARE * before))
        opened = self.descriptors[1] - self.descriptors[0]
        allowed_open = max(_GROWTH_DESCRIPTORS, int(_GROWTH_SHARE * self.descriptors[0]))
        return after - before <= allowed and opened <= allowed_open


def use_between(samples: Sequence[Sample], start: float, stop: float) -> Use:
    """A server's use in [start, stop) seconds: means of the first and the last third.

    Raises ValueError for fewer than three samples.
    """
    inside = [each for each in samples if start <= each.at_seconds < stop]
    if len(inside) < 3:
        raise ValueError("too few samples")
    third = len(inside) // 3
    first, last = inside[:third], inside[-third:]
    seconds = inside[-1].at_seconds - inside[0].at_seconds
    return Use(
        cpu_share=(inside[-1].cpu_seconds - inside[0].cpu_seconds) / seconds,
        memory_bytes=(
            _mean([s.memory_bytes for s in first]),
            _mean([s.memory_bytes for s in last]),
        ),
        descriptors=(_mean([s.descriptors for s in first]), _mean([s.descriptors for s in last])),
    )


def share_of(values: Sequence[float], share: float) -> float:
    """The smallest value that this share does not exceed, in ms; 0 of nothing."""
    return 1000 * percentile(values, share) if values else 0.0


def render(parts: Mapping[str, tuple[float, Notes]], uses: Mapping[str, Mapping[str, Use]]) -> str:
    """A column for each part of the run, by name, with its seconds."""
    rows = [["", *parts]]
    columns = list(parts.values())
    rows += [
        ["starts", *(f"{len(notes.starts):,}" for _, notes in columns)],
        ["start p50, p99 ms", *(_pair(notes.starts) for _, notes in columns)],
        ["of the slowest in a hundred", *(_steps(notes.steps) for _, notes in columns)],
        ["pieces a second", *(f"{len(n.pieces) / seconds:,.0f}" for seconds, n in columns)],
        ["piece p50, p99 ms", *(_pair(notes.pieces) for _, notes in columns)],
        ["of it the players' own, p50, p99 ms", *(_pair(notes.delays) for _, notes in columns)],
        ["pieces later than their turn", *(f"{notes.late:,}" for _, notes in columns)],
        ["problems", *(f"{sum(notes.problems.values()):,}" for _, notes in columns)],
    ]
    for name in next(iter(uses.values())):
        cells = [each[name] for each in uses.values()]
        rows += [
            [f"{name}: processor", *(f"{each.cpu_share:.2f}" for each in cells)],
            [f"{name}: MiB", *(_ends(each.memory_bytes, _MIB) for each in cells)],
            [f"{name}: descriptors", *(_ends(each.descriptors, 1) for each in cells)],
        ]
    told = [
        f"{name}: {count} times {what}"
        for name, (_, notes) in parts.items()
        for what, count in notes.problems.most_common()
    ]
    return "\n".join([lay_out(rows), *told])


def slowest(starts: Sequence[Start], share: float) -> Start:
    """The mean of the slowest starts, this share of all and at least one; of none, zeros."""
    if not starts:
        return Start(0.0, 0.0, 0.0)
    ordered = sorted(starts, key=lambda each: each.seconds)
    some = ordered[-max(1, round(share * len(starts))) :]
    return Start(
        sum(each.router for each in some) / len(some),
        sum(each.edge for each in some) / len(some),
        sum(each.piece for each in some) / len(some),
    )


def _steps(starts: Sequence[Start]) -> str:
    of = slowest(starts, 0.01)
    return f"router {1000 * of.router:.0f}, edge {1000 * of.edge:.0f}, piece {1000 * of.piece:.0f}"


def _mean(values: Sequence[int]) -> int:
    return sum(values) // len(values)


def _pair(values: Sequence[float]) -> str:
    return f"{share_of(values, 0.5):.1f}, {share_of(values, 0.99):.1f}"


def _ends(values: tuple[int, int], unit: int) -> str:
    return f"{values[0] / unit:.0f} to {values[1] / unit:.0f}"
