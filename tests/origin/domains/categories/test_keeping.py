"""Groups follow the titles."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from origin.catalog.audience import Audience
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.domains.categories.keeping import Keeper
from origin.domains.categories.rules import ALL
from tests.helpers.clock import FakeClock


async def put(catalog: Catalog, *ids: str) -> None:
    for title_id in ids:
        await catalog.put_title(title_id, json.dumps({"title": title_id}), lambda _: None)


async def test_groups_follow_the_titles(tmp_path: Path) -> None:
    catalog = await open_catalog(parse_database_url("", tmp_path), FakeClock())
    await put(catalog, "a", "b")
    keeper = Keeper(catalog)
    asking = asyncio.create_task(keeper.groups())
    await asyncio.sleep(0)
    assert not asking.done(), "there is no answer before there is a true one"
    task = asyncio.create_task(keeper.run())
    groups = await asyncio.wait_for(asking, 5)
    assert groups.count(ALL, Audience()) == 2
    await put(catalog, "c")
    await catalog.delete_title("a", lambda _: None)
    await asyncio.wait_for(keeper.taken.wait_beyond(3), 5)
    assert groups.card("c") is not None
    assert groups.card("a") is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await catalog.close()
