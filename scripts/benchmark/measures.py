"""What can be measured: names, sentences, and the figures each measure yields. Pure.

The names are those of the command line, the recorded files and docs/benchmarks.md. How a measure
is taken is for `steady`, `cold` and `decisions`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from scripts.cli.errors import UsageError

KIB: Final = 1024
MIB: Final = 1024 * 1024


class Kind(enum.Enum):
    """Who is asked, and in which state."""

    HIT = "edge, everything cached"
    COLD = "edge, far origin"
    MISS = "edge, near origin"
    ORIGIN = "origin"
    INGEST = "origin, films coming in"
    ROUTER = "router"
    DNS = "router, DNS"
    CHOICE = "router's decision alone"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a run; `lower_is_better` turns its ratio round."""

    name: str
    label: str
    digits: int
    lower_is_better: bool = True


CPU: Final = Figure("cpu_us", "CPU us/request", 1)
RATE: Final = Figure("per_second", "requests/s", 0, lower_is_better=False)
FIRST_BYTE: Final = Figure("first_byte_ms", "first byte ms", 1)
PULLED: Final = Figure("origin_mib", "from origin MiB", 1)
ASKED: Final = Figure("origin_requests", "origin requests", 0)
P50: Final = Figure("p50_us", "p50 us", 0)
P99: Final = Figure("p99_us", "p99 us", 0)
ANSWERED: Final = (
    Figure("cpu_us", "CPU us/answer", 1),
    Figure("per_second", "answers/s", 0, lower_is_better=False),
    Figure("lost", "lost", 0),
)
STEADY: Final = (CPU, RATE, Figure("gb_per_second", "GB/s", 2, lower_is_better=False), P50, P99)


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing to measure; its first figure is the one that history keeps."""

    name: str
    kind: Kind
    what: str
    figures: tuple[Figure, ...]
    collection: str = ""
    range_bytes: int = 0
    align_bytes: int = 1


TAKEN_IN: Final = (
    Figure("mib_per_second", "MiB/s", 0, lower_is_better=False),
    Figure("cpu_ms", "CPU ms/MiB", 2),
)
_SECONDS_1 = "a cold 1 MiB range in the middle of a long film, then the next MiB, then the same"
MEASURES: Final = {
    each.name: each
    for each in (
        Measure("W1", Kind.HIT, "whole 4 KiB objects", STEADY, "small"),
        Measure("W2", Kind.HIT, "random 64 KiB ranges of films", STEADY, "films", 64 * KIB),
        Measure("W3", Kind.HIT, "aligned 1 MiB ranges of films", STEADY, "films", MIB, MIB),
        Measure("W4", Kind.HIT, "random 4 MiB ranges of films", STEADY, "films", 4 * MIB),
        Measure("W5", Kind.HIT, "whole 2 MiB segments", STEADY, "segments"),
        Measure(
            "C1",
            Kind.COLD,
            _SECONDS_1,
            (FIRST_BYTE, Figure("next_ms", "next MiB ms", 1), Figure("again_ms", "again ms", 1))
            + (PULLED, ASKED),
            "long",
        ),
        Measure(
            "C2",
            Kind.COLD,
            "a crowd asks for one cold object at once",
            (Figure("all_done_ms", "all done ms", 0), Figure("first_byte_p50_ms", "TTFB p50 ms", 1))
            + (Figure("cpu_ms", "CPU ms", 0), PULLED, ASKED),
            "flash",
        ),
        Measure(
            "C3",
            Kind.COLD,
            "one client reads a cold film from the start",
            (Figure("mb_per_second", "MB/s", 1, lower_is_better=False), FIRST_BYTE, PULLED, ASKED),
            "long",
        ),
        Measure(
            "M1",
            Kind.COLD,
            "64 KiB hits while cold objects stream in",
            (P99, P50, RATE, Figure("fill_seconds", "fills done s", 2)),
            "films",
            64 * KIB,
        ),
        Measure("E1", Kind.MISS, "misses of 64 KiB objects", (CPU, RATE, P50, P99), "tiny"),
        Measure("E2", Kind.MISS, "misses of 1 MiB objects", (CPU, RATE, P50, P99), "block"),
        Measure("O1", Kind.ORIGIN, "origin: 1 MiB ranges of films", STEADY, "films", MIB, MIB),
        Measure("O2", Kind.ORIGIN, "origin: 4 MiB ranges of films", STEADY, "films", 4 * MIB),
        Measure(
            "I1",
            Kind.INGEST,
            "origin: films of 64 MiB by PUT, beside cp and fsync",
            TAKEN_IN,
            "films",
        ),
        Measure(
            "I2",
            Kind.INGEST,
            "origin: one film of 1 GiB by PUT, beside cp and fsync",
            TAKEN_IN,
            "long",
        ),
        Measure("R1", Kind.ROUTER, "router: redirects", (CPU, RATE, P50, P99), "titles"),
        Measure("R3", Kind.DNS, "router: DNS questions that were asked before", ANSWERED),
        Measure("R4", Kind.DNS, "router: DNS questions never asked before (subnets)", ANSWERED),
        Measure(
            "R2",
            Kind.CHOICE,
            "router: one choice among 5,000 edges in 500 sites",
            (
                CPU,
                Figure("p50_us", "p50 us", 1),
                Figure("p99_us", "p99 us", 1),
                Figure("wall_us", "wall us", 1),
            ),
        ),
    )
}


def parse_names(text: str) -> tuple[Measure, ...]:
    """The measures named in 'W1,W2,...', in the order of the table. Raises UsageError."""
    names = {name.strip().upper() for name in text.split(",") if name.strip()}
    unknown = sorted(names - MEASURES.keys())
    if unknown or not names:
        raise UsageError(
            f"no measure is called {', '.join(unknown) or repr(text)}; there are "
            + ", ".join(MEASURES)
        )
    return tuple(each for name, each in MEASURES.items() if name in names)


def kinds(measures: Iterable[Measure]) -> frozenset[Kind]:
    """The kinds among measures."""
    return frozenset(each.kind for each in measures)
