"""Files of the origin's own making are published whole or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cdnkit.errors import CinedgeError
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.packaging.deposit import Deposit
from origin.store.memory import MemoryStore
from tests.helpers.clock import FakeClock


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = await open_catalog(parse_database_url("", tmp_path), FakeClock())
    yield opened
    await opened.close()


@pytest.fixture
def deposit(catalog: Catalog) -> Deposit:
    return Deposit(catalog, MemoryStore(65536), 65536, "play/a/1/")


async def test_file_is_published_when_it_is_whole(catalog: Catalog, deposit: Deposit) -> None:
    await deposit.create("film.mp4", 6)
    await deposit.write(b"abc")
    await deposit.write(b"def")
    assert catalog.objects.get("play/a/1/film.mp4") is None
    await deposit.end()
    row = catalog.objects.get("play/a/1/film.mp4")
    assert row is not None
    assert (row.size_bytes, row.content_type, row.generation) == (6, "video/mp4", 1)
    assert await catalog.list_garbage() == []


async def test_abandoned_file_leaves_nothing(catalog: Catalog, deposit: Deposit) -> None:
    await deposit.create("film.mp4", 6)
    await deposit.write(b"abc")
    await deposit.abandon()
    await deposit.abandon()
    assert len(catalog.objects) == 0


async def test_file_of_another_length_is_refused(catalog: Catalog, deposit: Deposit) -> None:
    await deposit.create("film.mp4", 6)
    with pytest.raises(CinedgeError, match="longer than planned"):
        await deposit.write(b"1234567")
    await deposit.create("film.mp4", 6)
    await deposit.write(b"12345")
    with pytest.raises(CinedgeError, match="shorter than planned"):
        await deposit.end()
    assert len(catalog.objects) == 0


@pytest.mark.parametrize("name", ["../x.mp4", "a/b.mp4", "film.exe", "", "a b.mp4"])
async def test_names_of_other_files_are_refused(deposit: Deposit, name: str) -> None:
    with pytest.raises(CinedgeError):
        await deposit.create(name, 1)
