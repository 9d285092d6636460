"""How much of everything one run of the benchmark does. Pure.

Three sizes: the full form, `--quick` (a minute, after every change), and `SMOKE`, which is only to
show that every measure still works.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from scripts.benchmark.measures import MEASURES, Measure


@dataclass(frozen=True, slots=True)
class Scale:
    """How many objects of which size stand at the origin."""

    films: int = 12
    film_mib: int = 64
    segments: int = 48
    small: int = 256
    long_mib: int = 1024
    flash_mib: int = 16
    cold_read_mib: int = 64
    crowd: int = 200
    fills: int = 32
    misses: int = 256


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `neutral` is the origin behind all edges: nginx, cinedge, or '' for what is here.

    `client` asks for hits: loadgen or wrk. `secure` edges take https only. With `tokens` hits carry
    one that our edge checks.
    """

    measures: tuple[Measure, ...] = tuple(MEASURES.values())
    peers: tuple[str, ...] = ()
    rounds: int = 5
    cold_rounds: int = 3
    seconds: float = 1.2
    connections: int = 64
    workers: int = 1
    neutral: str = ""
    client: str = "loadgen"
    secure: bool = False
    tokens: bool = False
    far_seconds: float = 0.020
    far_bytes_per_second: float = 125e6
    choices: int = 20_000
    scale: Scale = field(default_factory=Scale)


QUICK: Final = Plan(
    rounds=3,
    cold_rounds=2,
    seconds=0.4,
    choices=5_000,
    scale=Scale(films=4, segments=16, long_mib=128, cold_read_mib=24, fills=16, misses=96),
)
SMOKE: Final = Plan(
    rounds=1,
    cold_rounds=1,
    seconds=0.1,
    connections=4,
    neutral="cinedge",
    far_seconds=0.002,
    choices=200,
    scale=Scale(
        films=1,
        film_mib=8,
        segments=2,
        small=4,
        long_mib=8,
        flash_mib=1,
        cold_read_mib=2,
        crowd=8,
        fills=4,
        misses=4,
    ),
)
