"""Record of how requests are traced across tiers.

Part of `config.topology`, which has at most one.
"""

# `setting` only describes a field, as dataclasses.field does.

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.declare import RESTART, setting


@dataclass(frozen=True, slots=True)
class Tracing:
    """Which requests are recorded, and where their spans go (OTLP over HTTP)."""

    endpoint: str = setting(
        "Where a collector takes spans, the whole URL.",
        unit="url",
        example="http://127.0.0.1:4318/v1/traces",
        applies=RESTART,
    )
    sample_ratio: float = setting(
        "Share of viewers' requests that are recorded.",
        0.001,
        minimum=0,
        maximum=1,
        applies=RESTART,
    )
    believe: tuple[str, ...] = setting(
        "Prefixes of clients whose traceparent is believed: which trace a request belongs to, and "
        "that it is recorded. Edges of this topology believe each other, origins believe them.",
        (),
        applies=RESTART,
    )
    per_second_max: int = setting(
        "Most requests that one process records in a second, whoever wishes it.",
        100,
        minimum=1,
        applies=RESTART,
    )


def addresses_in(*places: str) -> Iterator[str]:
    """IP addresses among hosts, URLs and addresses, each once; names of hosts are left out."""
    seen: set[str] = set()
    for place in places:
        host = (urlsplit(place).hostname or "") if "://" in place else place
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            continue
        if not address.is_unspecified and str(address) not in seen:
            seen.add(str(address))
            yield str(address)
