"""What an edge says on /readyz of itself, which routers read: may new viewers come, and how busy.

An edge that is still finding what its disks hold serves already, and says how far it is.
"""

from __future__ import annotations

import json

from cdnkit.service.health import Health, State
from edge.cache.loading import Loading
from edge.drain import DrainMark
from edge.load import LoadMeter


def readiness(
    health: Health, mark: DrainMark, meter: LoadMeter, loading: Loading
) -> tuple[bool, bytes]:
    """Whether new viewers may come, and the body of the answer."""
    ready, report = health.report()
    if ready and mark.is_set:
        ready, report = False, {**report, "status": State.DRAINING.value}
    elif ready and not loading.is_over():
        report = {**report, "status": "loading", "loaded": round(loading.share, 3)}
    return ready, json.dumps({**report, **meter.report()}).encode()
