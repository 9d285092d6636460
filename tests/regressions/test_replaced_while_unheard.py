"""A film that is replaced while the change feed is lost is not served from what was found good.

An edge asked once whether what it held still stood, and then trusted that for an hour, although
nobody could tell it of the next change. `tests/faults/stories/feed-cut-while-replaced.yaml` found
it with real processes.
"""

from __future__ import annotations

import random

from config.topology import Address, OriginNode, Route
from tests.edge.conftest import BLOCK, Plan, eventually, says
from tests.edge.conftest import origin as origin
from tests.edge.conftest import plan as plan

OLD, NEW = (random.Random(seed).randbytes(2 * BLOCK) for seed in (1, 2))
EXTERNAL = "/ext/a"


async def test_what_was_found_good_is_doubted_again_while_the_feed_is_lost(plan: Plan) -> None:
    plan.origins = (OriginNode("o", Address("127.0.0.1", 1), "/nowhere", url=plan.origin.url),)
    plan.routes = (Route("/"), Route("/ext/", upstream=(f"{plan.origin.url}/ext/",)))
    plan.origin.scripts["/v1/changes"] = says("503 No", b"")
    plan.origin.put("/v1/content/a", OLD)
    plan.origin.put(EXTERNAL, OLD)
    async with plan.start() as edge:
        client = await edge.client()
        for _ in range(3):
            assert (await client.ask("/a")).body == OLD
        await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all of it is held")
        edge.origin.put("/v1/content/a", NEW)
        assert (await client.ask("/a")).body == NEW


async def test_what_no_journal_tells_of_is_trusted_as_it_says(plan: Plan) -> None:
    plan.origins = (OriginNode("o", Address("127.0.0.1", 1), "/nowhere", url=plan.origin.url),)
    plan.routes = (Route("/"), Route("/ext/", upstream=(f"{plan.origin.url}/ext/",)))
    plan.origin.scripts["/v1/changes"] = says("503 No", b"")
    plan.origin.put(EXTERNAL, OLD)
    async with plan.start() as edge:
        client = await edge.client()
        await client.ask(EXTERNAL)
        assert "hit" in (await client.ask(EXTERNAL)).fields["cache-status"]
