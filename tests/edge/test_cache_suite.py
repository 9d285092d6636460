"""The public cache suite against an edge, where its checkout is named by an environment variable.

    CINEDGE_CACHE_TESTS=~/cache-tests .venv/bin/pytest tests/edge/test_cache_suite.py

What it looks at stands in our own words in the conversations, which always run.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from config.caching import Caching
from config.topology import Route
from tests.edge.conftest import Plan
from tests.helpers.cache_suite import CHECKOUT_VARIABLE, CacheSuite

CHECKOUT = os.environ.get(CHECKOUT_VARIABLE, "")
REPORT = Path(__file__).parents[2] / "docs" / "conformance" / "README.md"
OPTIMAL_MIN = 98
needs_suite = pytest.mark.skipif(
    not CHECKOUT or shutil.which("node") is None,
    reason=f"needs node, and a checkout named by {CHECKOUT_VARIABLE}",
)


def departures(heading: str) -> set[str]:
    """The tests that the report says a profile does not pass."""
    section = REPORT.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")
    return set(re.findall(r"^\| `([a-z0-9A-Z-]+)` \|", section[0], re.MULTILINE))


async def verdicts(plan: Plan, profile: str) -> dict[str, dict[str, bool]]:
    suite = CacheSuite(Path(CHECKOUT))
    async with suite.origin(plan.cache.parent) as origin:
        routed = replace(plan.but(caching=Caching(profile)), routes=(Route("/", (origin,)),))
        async with routed.start() as edge:
            address = edge.worker.address
            return await suite.verdicts(f"http://{address.host}:{address.port}")


@needs_suite
@pytest.mark.timeout(600)
@pytest.mark.parametrize("profile", ["rfc", "cdn"])
async def test_every_departure_from_the_suite_is_written_down(plan: Plan, profile: str) -> None:
    found = await verdicts(plan, profile)
    failed = {kind: {name for name, ok in found[kind].items() if not ok} for kind in found}
    known = departures("What `rfc` does otherwise")
    if profile == "rfc":
        assert not failed["required"]
        assert len(found["optimal"]) - len(failed["optimal"]) >= OPTIMAL_MIN
    else:
        known |= departures("What `cdn` does otherwise")
    assert failed["required"] | failed["optimal"] <= known


def test_the_report_says_what_each_profile_does_otherwise() -> None:
    assert departures("What `rfc` does otherwise")
    assert departures("What `cdn` does otherwise")
