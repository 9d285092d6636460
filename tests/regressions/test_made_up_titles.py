"""What came with a request was counted before it was known whether there was such a film.

Fifty titles have places of their own. On a route without tokens anybody could take all of them for
ten minutes, by asking for names that they made up: films that were watched counted as "(other)".
"""

from __future__ import annotations

from cdnkit.playing import TITLES_MAX
from edge.players import by_title
from tests.edge.conftest import BLOCK, Plan
from tests.edge.conftest import origin as origin
from tests.edge.conftest import plan as plan

TELLS = 'CMCD-Session: sid="s"'


async def test_names_that_are_made_up_take_no_place(plan: Plan) -> None:
    plan.origin.put("/film", bytes(BLOCK))
    async with plan.start() as edge:
        client = await edge.client()
        for number in range(TITLES_MAX + 1):
            assert (await client.ask(f"/made-up-{number}", TELLS)).status == 404
        assert (await client.ask("/film", TELLS)).status == 200
        assert set(by_title(edge.worker.players())) == {"film"}


async def test_parts_and_what_stands_unchanged_are_heard(plan: Plan) -> None:
    plan.origin.put("/film", bytes(BLOCK))
    async with plan.start() as edge:
        client = await edge.client()
        whole = await client.ask("/film", TELLS)
        part = await client.ask("/film", "Range: bytes=0-9", TELLS)
        etag = whole.fields["etag"]
        same = await client.ask("/film", f"If-None-Match: {etag}", TELLS)
        beyond = await client.ask("/film", f"Range: bytes={BLOCK}-", TELLS)
        statuses = [answer.status for answer in (whole, part, same, beyond)]
        assert statuses == [200, 206, 304, 416]
        assert edge.worker.players()["film", "reports"] == 3
