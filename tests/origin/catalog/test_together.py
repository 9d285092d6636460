"""Writes that come together go in one transaction; each is answered after its commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import UnavailableError
from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.tables import generations
from origin.catalog.together import Together


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(parse_database_url("", tmp_path))
    yield opened
    await opened.close()


class Ledger:
    """Writes names, and remembers which came together."""

    def __init__(self) -> None:
        self.lots: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()

    async def write(self, connection: AsyncConnection, names: Sequence[str]) -> list[int]:
        self.entered.set()
        await self.gate.wait()
        if "poison" in names:
            raise ZeroDivisionError
        self.lots.append(list(names))
        rows = [{"key": name, "last": len(name)} for name in names]
        await connection.execute(sa.insert(generations), rows)
        return [len(name) for name in names]


async def kept(database: Database) -> int:
    async with database.reading() as connection:
        found = await connection.execute(sa.select(sa.func.count()).select_from(generations))
        return int(found.scalar_one())


async def test_lone_write_does_not_wait_and_is_committed_when_answered(database: Database) -> None:
    ledger = Ledger()
    together = Together(database, ledger.write)
    assert await together.do("abc") == 3
    assert await kept(database) == 1
    assert await together.do("de") == 2
    assert ledger.lots == [["abc"], ["de"]]


async def test_whoever_comes_meanwhile_goes_with_the_next(database: Database) -> None:
    ledger = Ledger()
    ledger.gate.clear()
    together = Together(database, ledger.write, together_max=3)
    first = asyncio.create_task(together.do("a"))
    await ledger.entered.wait()
    others = [asyncio.create_task(together.do(f"b{n}")) for n in range(4)]
    await asyncio.sleep(0)
    ledger.gate.set()
    assert await asyncio.gather(first, *others) == [1, 2, 2, 2, 2]
    assert [len(lot) for lot in ledger.lots] == [1, 3, 1]
    assert await kept(database) == 5


async def test_limits_are_of_weight_and_what_is_too_heavy_goes_alone(database: Database) -> None:
    ledger = Ledger()
    ledger.gate.clear()
    together = Together(database, ledger.write, together_max=4, waiting_max=12, weigh=len)
    first = asyncio.create_task(together.do("a"))
    await ledger.entered.wait()
    others = [asyncio.create_task(together.do(name)) for name in ("bb", "cc", "d", "eeeeeee")]
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError):
        await together.do("f")
    ledger.gate.set()
    assert await asyncio.gather(first, *others) == [1, 2, 2, 1, 7]
    assert ledger.lots == [["a"], ["bb", "cc"], ["d"], ["eeeeeee"]]
    assert await together.do("f") == 1


async def test_beyond_the_limit_callers_are_told_to_come_back(database: Database) -> None:
    ledger = Ledger()
    ledger.gate.clear()
    together = Together(database, ledger.write, waiting_max=1)
    first = asyncio.create_task(together.do("a"))
    await ledger.entered.wait()
    second = asyncio.create_task(together.do("b"))
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError) as caught:
        await together.do("c")
    assert caught.value.retry_after_seconds == 1
    ledger.gate.set()
    assert [await first, await second] == [1, 1]


async def test_failure_is_told_to_all_who_came_together_and_to_no_others(
    database: Database,
) -> None:
    ledger = Ledger()
    together = Together(database, ledger.write)
    with pytest.raises(UnavailableError):
        await together.do("poison")
    assert await together.do("fine") == 4
    assert await kept(database) == 1


async def test_failure_leaves_those_who_wait_their_turn(database: Database) -> None:
    ledger = Ledger()
    ledger.gate.clear()
    together = Together(database, ledger.write)
    poison = asyncio.create_task(together.do("poison"))
    await ledger.entered.wait()
    waiting = asyncio.create_task(together.do("fine"))
    await asyncio.sleep(0)
    ledger.gate.set()
    assert await waiting == 4
    with pytest.raises(UnavailableError) as caught:
        await poison
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


async def test_caller_that_leaves_hurts_nobody(database: Database) -> None:
    ledger = Ledger()
    ledger.gate.clear()
    together = Together(database, ledger.write)
    leaver = asyncio.create_task(together.do("a"))
    stayer = asyncio.create_task(together.do("b"))
    await ledger.entered.wait()
    leaver.cancel()
    ledger.gate.set()
    assert await stayer == 1
    assert await kept(database) == 2
