"""Answers that were sent and in no sum, or in the wrong one."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter

import pytest

import edge.app
from config.caching import Caching
from tests.edge.box.conftest import boxed_workers, owned_by
from tests.edge.conftest import Asked, Plan, eventually
from tests.edge.conftest import origin as origin
from tests.edge.conftest import plan as plan
from tests.helpers.film_origin import FilmOrigin
from tests.helpers.raw_client import head

VIEWERS = 20
SMALL = FilmOrigin(500, 1 << 16)


async def test_a_crowd_at_a_small_object_is_counted_whole(plan: Plan) -> None:
    opened = asyncio.Event()

    async def wait(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        await opened.wait()
        await SMALL.serve(asked, reader, writer)

    plan.origin.scripts["/small"] = wait
    async with plan.start() as running:
        clients = [await running.client() for _ in range(VIEWERS)]
        for client in clients:
            await client.send(head("/small"))
        assert (await (await running.client()).ask("*", method="OPTIONS")).status == 204
        opened.set()
        answers = await asyncio.gather(*(client.answer() for client in clients))
        counters = running.worker.accounts.counters
        await eventually(
            lambda: counters.requests.get(("miss", "cold", 200)) == VIEWERS, "all are counted"
        )
        assert counters.sent_bytes["miss", "cold"] == sum(each.size_bytes for each in answers)
        assert counters.cut_short == 0
        # The next request of each is one of its own.
        for client in clients[:3]:
            assert (await client.ask("/small")).status == 200
        await eventually(
            lambda: sum(running.totals().requests.values()) == VIEWERS + 4, "so are the next"
        )


async def test_probes_are_no_hits(plan: Plan) -> None:
    async with plan.start() as running:
        client = await running.client()
        answer = await client.ask("/readyz")
        assert answer.fields["cache-status"] == "edge-1"
        await eventually(lambda: bool(running.worker.accounts.counters.requests), "it is counted")
        assert running.worker.accounts.counters.requests == {("own", "", 200): 1}
        assert running.worker.accounts.counters.sent_bytes["own", ""] == answer.size_bytes


async def test_what_a_stop_cuts_is_counted(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge.app, "GRACE_SECONDS", 0.01)
    asked = asyncio.Event()

    async def never(asking: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        asked.set()
        await reader.read()

    plan.origin.scripts["/never"] = never
    async with plan.start() as running:
        await (await running.client()).send(head("/never"))
        await asked.wait()
        counters = running.worker.accounts.counters
    assert sum(counters.requests.values()) == counters.cut_short == 1


async def test_what_workers_tell_each_other_is_sent_to_no_viewer(plan: Plan) -> None:
    begun, opened = asyncio.Event(), asyncio.Event()
    target = owned_by(0, 2)

    async def wait(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        begun.set()
        await opened.wait()
        await SMALL.serve(asked, reader, writer)

    plan.origin.scripts[target] = wait
    async with boxed_workers(plan, 2) as box:
        owner, other = box.workers
        client = await other.client()
        await client.send(head(target))
        await begun.wait()
        assert owner.totals().levels["streams"] == 0
        assert owner.totals().levels["open_connections"] == 0
        opened.set()
        answer = await client.answer()
        await eventually(
            lambda: other.totals().counts["egress_bytes"] == answer.size_bytes, "it is counted"
        )
        assert owner.totals().counts["egress_bytes"] == 0


async def test_another_version_by_a_viewers_wish_has_a_miss_class(plan: Plan) -> None:
    async with plan.but(caching=Caching("rfc")).start() as running:
        client = await running.client()
        for number in range(2):
            plan.origin.put("/a", b"version %d" % number)
            assert (await client.ask("/a", "Cache-Control: no-cache")).status == 200
        requests = running.worker.accounts.counters.requests
        await eventually(lambda: sum(requests.values()) == 2, "both are counted")
        assert requests == {("miss", "cold", 200): 1, ("miss", "expired", 200): 1}
