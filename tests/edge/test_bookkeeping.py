"""What an edge counted reaches an origin once, however the origin behaves."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cdnkit.wire import Traffic
from config.topology import Address, OriginNode
from edge.bookkeeping import Bookkeeping, Reporting, lot_names
from edge.ledger import Ledger
from edge.receipts import Identity
from tests.edge.conftest import BLOCK, Asked, Origin, Plan, on_disk, plain_answer, read_content
from tests.helpers.clock import FakeClock


class Desk:
    """Takes lots after having failed some, in its way."""

    def __init__(self, origin: Origin, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.lots: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        origin.scripts["/v1/traffic"] = self.take

    async def take(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.tokens.append(asked.fields.get("authorization", ""))
        self.lots.append(json.loads(await read_content(asked, reader)))
        status = self.statuses.pop(0) if self.statuses else "204 No Content"
        if status == "silence":
            writer.close()
            return
        writer.write(plain_answer(status, b"") if status[0] != "2" else b"HTTP/1.1 204 Yes\r\n\r\n")

    def sums(self) -> Counter[tuple[str, str]]:
        """Bytes by title and kind, each lot once."""
        kept = {lot["lot"]: lot for lot in self.lots}
        total: Counter[tuple[str, str]] = Counter()
        for lot in kept.values():
            for row in lot["rows"]:
                total[row["title"], row["kind"]] += row["bytes"]
        return total


def books(ledger: Ledger, *origins: str) -> Bookkeeping:
    reporting = Reporting(Identity("edge-1", 0, 1, "secret"), origins, 10.0)
    return Bookkeeping(ledger, lambda: None, reporting, FakeClock(), lot_names())


async def test_a_lot_says_who_counted_what(origin: Origin) -> None:
    desk, ledger = Desk(origin), Ledger(FakeClock().now)
    keeping = books(ledger, origin.url)
    ledger.add(Traffic.EDGE, "a", 7)
    assert await keeping.report()
    assert await keeping.report()
    (lot,) = desk.lots
    assert lot["edge"] == "edge-1"
    assert lot["rows"] == [{"day": "2027-01-15", "title": "a", "kind": "edge", "bytes": 7}]
    assert desk.tokens == ["Bearer secret"]


@pytest.mark.parametrize("failure", ["silence", "503 No", "403 No", "429 No"])
async def test_an_answer_that_is_lost_changes_no_lot(origin: Origin, failure: str) -> None:
    desk, ledger = Desk(origin, failure, failure), Ledger()
    keeping = books(ledger, origin.url)
    ledger.add(Traffic.EDGE, "a", 1)
    assert not await keeping.report()
    ledger.add(Traffic.EDGE, "a", 10)
    assert not await keeping.report()
    assert await keeping.report()
    assert [lot["lot"] for lot in desk.lots[:3]] == [desk.lots[0]["lot"]] * 3
    assert desk.sums() == {("a", "edge"): 11}


async def test_authorities_that_cannot_be_read_now_lose_nothing(origin: Origin) -> None:
    desk, ledger = Desk(origin), Ledger()
    keeping = books(ledger)
    nowhere = Identity("edge-1", 0, 1, "secret", "/nowhere/ca.pem")
    keeping.adopt(Reporting(nowhere, (origin.url,), 10.0))
    ledger.add(Traffic.EDGE, "a", 1)
    assert not await keeping.report()
    keeping.adopt(Reporting(Identity("edge-1", 0, 1, "secret"), (origin.url,), 10.0))
    assert await keeping.report()
    assert desk.sums() == {("a", "edge"): 1}


async def test_another_origin_is_told_when_the_first_is_away(origin: Origin) -> None:
    desk, ledger = Desk(origin), Ledger()
    keeping = books(ledger, "http://127.0.0.1:9", origin.url)
    ledger.add(Traffic.EDGE, "a", 1)
    assert await keeping.report()
    assert desk.sums() == {("a", "edge"): 1}


async def test_many_titles_go_in_several_lots(origin: Origin) -> None:
    desk, ledger = Desk(origin), Ledger()
    keeping = books(ledger, origin.url)
    for number in range(1200):
        ledger.add(Traffic.EDGE, str(number), 1)
    assert await keeping.report()
    assert len(desk.lots) == 3
    assert len(desk.sums()) == 1200


def test_what_the_lane_sent_before_midnight_counts_for_that_day() -> None:
    clock, ledger = FakeClock(), Ledger(FakeClock().now)
    waiting = [7]
    reporting = Reporting(Identity("edge-1", 0, 1, ""), (), 10.0)

    def absorb() -> None:
        ledger.add(Traffic.EDGE, "a", waiting.pop() if waiting else 0)

    keeping = Bookkeeping(ledger, absorb, reporting, clock, lot_names())
    clock.advance(86400.0)
    keeping.tick()
    ledger.add(Traffic.EDGE, "a", 1)
    keeping.tick()
    sums = [(row.day, row.size_bytes) for row in ledger.take(9)]
    assert sums == [("2027-01-15", 7), ("2027-01-16", 1)]


async def test_without_an_origin_nothing_piles_up() -> None:
    ledger = Ledger()
    keeping = books(ledger)
    ledger.add(Traffic.EDGE, "a", 1)
    assert await keeping.report()
    assert ledger.take(1) == []


async def test_an_edge_tells_all_it_sent_and_fetched_when_it_ends(
    plan: Plan, tmp_path: Path
) -> None:
    desk, log = Desk(plan.origin), tmp_path / "access.log"
    film = bytes(3 * BLOCK + 5)
    plan.origin.put("/films/a", film)
    plan.origins = (OriginNode("o", Address("127.0.0.1", 1), "data", url=plan.origin.url),)
    async with plan.but(access_log=str(log)).start() as edge:
        client = await edge.client()
        for _ in range(5):
            await client.ask("/films/a")
            await on_disk(edge, 4)
            await client.ask("/films/a", "Range: bytes=9-70000")
        await client.ask("/missing")
        assert edge.worker.lane._number
    sums = desk.sums()
    sent: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        record = json.loads(line)
        sent["films/a" if record["status"] < 400 else ""] += record["bytes"]
    assert {title: n for (title, kind), n in sums.items() if kind == "edge"} == sent
    assert sums["films/a", "fill-miss"] == len(film)
    assert sums["films/a", "origin"] == len(film)
