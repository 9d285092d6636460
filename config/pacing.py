"""Record of how fast the answers of a route leave an edge.

Part of `config.topology`: a route holds it.
"""

# `setting` only describes a field, as dataclasses.field does.

from __future__ import annotations

from dataclasses import dataclass

from config.declare import setting

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pacing:
    """A burst to start playing with, then a multiple of the bitrate."""

    bitrate_bytes_per_second: int = setting(
        "Bitrate of the content where the player does not tell it (br of CMCD); 0: such answers "
        "are not paced.",
        0,
        unit="bytes",
        minimum=0,
    )
    factor: float = setting(
        "How many times the bitrate answers may take after the burst.", 2.0, minimum=1, maximum=100
    )
    bytes_per_second_max: int = setting(
        "Fastest pace after the burst, whatever bitrate the player tells; 0: no limit.",
        0,
        unit="bytes",
        minimum=0,
    )
    burst_bytes: int = setting(
        "Least of what a connection gets at full speed before it is paced.",
        4 * _MIB,
        unit="bytes",
        minimum=0,
    )
    burst_seconds: float = setting(
        "The same as seconds of the bitrate; the larger of the two counts.",
        10.0,
        unit="seconds",
        minimum=0,
    )
