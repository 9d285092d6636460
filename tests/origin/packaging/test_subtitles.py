"""Subtitles that a title names are loaded, or the title is refused with the reason."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.packaging.boxes import UnplayableError
from origin.packaging.deposit import Deposit
from origin.packaging.subtitles import load_subtitles
from origin.store.memory import MemoryStore
from origin.sweeper import Holds
from tests.helpers.clock import FakeClock

TEXT = b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"
STORE = MemoryStore(65536)


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = await open_catalog(parse_database_url("", tmp_path), FakeClock())
    for name, data in (("en.vtt", TEXT), ("bad.vtt", b"no subtitle")):
        deposit = Deposit(opened, STORE, 65536, f"{tmp_path.name}/")
        await deposit.create(name, len(data))
        await deposit.write(data)
        await deposit.end()
    yield opened
    await opened.close()


async def load(catalog: Catalog, tmp_path: Path, entries: Any) -> list[tuple[str, str, str]]:
    text = json.dumps({"title": "A", "subtitles": entries}).replace("KEY", tmp_path.name)
    await catalog.put_title("a", text, lambda _: None)
    return await load_subtitles("a", catalog, STORE, Holds())


async def test_subtitles_are_loaded_in_order(catalog: Catalog, tmp_path: Path) -> None:
    entries = [{"key": "KEY/en.vtt", "language": "en", "label": "English"}]
    entries.append({"key": "KEY/en.vtt", "language": "de"})
    assert await load(catalog, tmp_path, entries) == [
        ("en", "English", TEXT.decode()),
        ("de", "de", TEXT.decode()),
    ]
    assert await load_subtitles("unknown", catalog, STORE, Holds()) == []


@pytest.mark.parametrize(
    "entries",
    [
        "text",
        [1],
        [{}],
        [{"key": 5, "language": "en"}],
        [{"key": "KEY/en.vtt"}],
        [{"key": "KEY/en.vtt", "language": "no_tag"}],
        [{"key": "KEY/en.vtt", "language": "en", "label": 'a"b'}],
        [{"key": "KEY/en.vtt", "language": "en", "label": "a\nb"}],
        [{"key": "KEY/gone.vtt", "language": "en"}],
        [{"key": "KEY/bad.vtt", "language": "en"}],
        [{"key": "../x", "language": "en"}],
        [{"key": "KEY/en.vtt", "language": "en"}] * 65,
    ],
)
async def test_what_is_no_subtitle_is_refused(
    catalog: Catalog, tmp_path: Path, entries: Any
) -> None:
    with pytest.raises(UnplayableError):
        await load(catalog, tmp_path, entries)
