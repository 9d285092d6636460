"""Record of what an edge takes in by night, when films are placed by expected demand.

Part of `config.topology`: the settings of an edge hold it.
"""

# `setting` only describes a field, as dataclasses.field does.

from __future__ import annotations

from dataclasses import dataclass

from config.declare import RESTART, setting
from config.eviction import Eviction as Eviction

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fill:
    """How much `cinedge plan` may place on an edge, and when it is fetched."""

    share: float = setting(
        "Share of the disks for films placed; the rest is for what viewers happen to ask for. "
        "0: nothing is placed. Above a half, pins may take as much.",
        0.5,
        minimum=0,
        maximum=0.95,
        applies=RESTART,
    )
    begins_hour: float = setting(
        "Hour of the day at which quiet hours begin, by the sun where the site stands.",
        2.0,
        minimum=0,
        maximum=24,
    )
    quiet_seconds: float = setting(
        "How long they last.", 6 * 3600.0, unit="seconds", minimum=60, maximum=86_400
    )
    bytes_per_second: int = setting(
        "How fast films are fetched in them.", 64 * _MIB, unit="bytes", minimum=1024
    )
    night_bytes: int = setting(
        "Most that is fetched in a night; 0: as much as hours and pace allow.",
        0,
        unit="bytes",
        minimum=0,
    )
    gain: float = setting(
        "What a byte saves here that need not come from an origin, beside one at other edges: "
        "how far or dear the way is.",
        1.0,
        minimum=0.001,
        maximum=1000,
    )
