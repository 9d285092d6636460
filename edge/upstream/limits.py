"""What one upstream may cost, phase by phase."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Times are the longest of each phase; `unknown_codings` takes content up to the close."""

    connections_max: int = 64
    connect_timeout_seconds: float = 5.0
    """From a name to a connected socket."""
    tls_timeout_seconds: float = 5.0
    first_byte_timeout_seconds: float = 20.0
    """From the request, or the last piece of its content, to the first byte of the answer; then
    from the first byte of each head to its end, however it drips in."""
    read_timeout_seconds: float = 20.0
    """Between two bytes of an answer."""
    wait_timeout_seconds: float = 20.0
    """How long a request may wait for one of the connections."""
    unknown_codings: bool = False
