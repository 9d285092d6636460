"""Content is as large as the plan says, no page is like another, cold names are always new."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmark.content import PAGE_BYTES, Content
from scripts.benchmark.plan import SMOKE


@pytest.fixture
def content(tmp_path: Path) -> Content:
    made = Content(tmp_path / "www", tmp_path / "lists", SMOKE.scale)
    made.make_files()
    return made


def test_files_have_the_sizes_that_the_lists_promise(content: Content) -> None:
    assert all(content.file_of(p).stat().st_size == p.size_bytes for p in content.pieces())
    listed = content.list_of("films").read_text().split()
    assert listed == ["/v1/content/films/0000.mp4", str(SMOKE.scale.film_mib << 20)]


def test_no_two_pages_are_alike(content: Content) -> None:
    pages = set()
    count = 0
    for name in ("films", "segments", "small"):
        for piece in content.collections[name]:
            data = content.file_of(piece).read_bytes()
            pages |= {data[at : at + PAGE_BYTES] for at in range(0, len(data), PAGE_BYTES)}
            count += len(data) // PAGE_BYTES
    assert len(pages) == count


def test_content_is_the_same_every_time(content: Content, tmp_path: Path) -> None:
    again = Content(tmp_path / "again", tmp_path / "lists2", SMOKE.scale)
    again.make_files()
    for piece in content.pieces():
        assert content.file_of(piece).read_bytes() == again.file_of(piece).read_bytes()


def test_cold_names_are_never_repeated_and_lead_to_one_file(content: Content) -> None:
    lines = [content.cold_list("tiny", 3).read_text().splitlines() for _ in range(2)]
    names = [line.split()[0] for each in lines for line in each]
    assert len(set(names)) == 6
    assert {name.partition("?")[0] for name in names} == {"/v1/content/cold/tiny.bin"}
