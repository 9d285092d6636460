"""Record of how routers judge edges, and how they steer players.

Part of `config.topology`: a router's record holds one, a topology one for all its routers.
"""

# `setting` only describes a field, as dataclasses.field does.

from __future__ import annotations

from dataclasses import dataclass

from config.declare import RESTART, setting


@dataclass(frozen=True, slots=True)
class RouterSettings:
    """How routers judge edges."""

    probe_interval_seconds: float = setting(
        "Time between two looks at an edge.", 1.0, unit="seconds", minimum=0.05
    )
    probe_timeout_seconds: float = setting(
        "Longest time an edge may take to answer.", 0.8, unit="seconds", minimum=0.02
    )
    down_after: int = setting("Failures in a row before an edge is down.", 2, minimum=1)
    up_after: int = setting("Successes in a row before it is up again.", 3, minimum=1)
    agree: int = setting(
        "Routers that must agree that an edge fails; never more than answer each other.",
        2,
        minimum=1,
    )
    hold_seconds: float = setting(
        "Shortest time an edge that failed stays out.", 3.0, unit="seconds", minimum=0
    )
    slow_start_seconds: float = setting(
        "Time in which an edge that comes back reaches its whole share.",
        30.0,
        unit="seconds",
        minimum=0,
    )
    shields: tuple[str, ...] = setting(
        "Base URLs of shields that take viewers when no edge can.", (), unit="url"
    )
    origin_fallback: bool = setting(
        "Send viewers to an origin when neither edge nor shield is left.", False
    )
    steering_shortest_seconds: float = setting(
        "How soon players ask for steering again after a change.",
        10.0,
        unit="seconds",
        minimum=1,
    )
    steering_longest_seconds: float = setting(
        "How soon they ask again when nothing has changed for long.",
        300.0,
        unit="seconds",
        minimum=1,
    )
    steering_session_seconds: float = setting(
        "How long a player is steered before it is told to stop asking.",
        43_200.0,
        unit="seconds",
        minimum=1,
    )
    steering_per_second_max: float = setting(
        "Steering requests answered per second and worker; beyond it players are asked to wait.",
        5_000.0,
        minimum=1,
    )
    access_log: str = setting(
        "File for the JSON-lines access log; '-' is standard output.",
        "",
        unit="log",
        applies=RESTART,
    )
