"""An origin has uploads over many requests when its store takes parts."""

from __future__ import annotations

from pathlib import Path

from origin.catalog.catalog import open_catalog
from origin.catalog.database import parse_database_url
from origin.resumable.opening import new_upload_id, open_intake
from origin.resumable.rules import Rules
from origin.resumable.tus import is_upload_id
from origin.store.memory import MemoryStore
from tests.helpers.clock import FakeClock

RULES = Rules(extent_bytes=1000, object_bytes_max=10_000)


async def test_only_a_store_with_parts_has_an_intake(tmp_path: Path) -> None:
    clock = FakeClock()
    reports: list[str] = []
    catalog = await open_catalog(parse_database_url("", tmp_path), clock)
    store = MemoryStore(1000)
    async with open_intake(catalog, store, RULES, clock, reports.append) as intake:
        assert intake is not None
        assert intake.lifetime() == clock() + RULES.lifetime_seconds
    del store.parts
    async with open_intake(catalog, store, RULES, clock, reports.append) as intake:
        assert intake is None
    await catalog.close()
    assert reports == []


def test_names_are_uploads_and_differ() -> None:
    names = {new_upload_id() for _ in range(100)}
    assert len(names) == 100
    assert all(map(is_upload_id, names))
