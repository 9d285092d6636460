"""Names, arithmetic and footers of extents."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from origin.store.base import StoredObject
from origin.store.extents import (
    Footer,
    extent_count,
    extent_name,
    footer_bytes,
    format_footer,
    is_sound,
    locate,
    read_footer,
)
from origin.store.sums import PIECE_BYTES, piece_count

footers = st.builds(
    Footer,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    st.just(0),
    st.just(()),
)


@given(st.integers(0, 500), st.integers(1, 100), st.data())
def test_located_slices_cover_the_interval_and_nothing_else(
    size_bytes: int, extent_bytes: int, data: st.DataObject
) -> None:
    stored = StoredObject("a", 1, size_bytes, extent_bytes)
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, size_bytes)] * 2)))
    covered: list[int] = []
    for piece in locate(stored, start, stop):
        assert 0 <= piece.index < extent_count(stored)
        assert 0 <= piece.start < piece.stop <= piece.size_bytes <= extent_bytes
        covered += range(
            piece.index * extent_bytes + piece.start, piece.index * extent_bytes + piece.stop
        )
    assert covered == list(range(start, stop))


def footer_of(content: bytes, *, sparse_bytes: int = 0) -> Footer | None:
    """The footer of a file with this content after so many bytes of nothing."""
    with tempfile.TemporaryFile() as file:
        os.pwrite(file.fileno(), content, sparse_bytes)
        return read_footer(file.fileno())


@given(footers, st.integers(0, 40 * PIECE_BYTES), st.data())
def test_a_footer_is_read_as_written_whatever_precedes_it(
    footer: Footer, size_bytes: int, data: st.DataObject
) -> None:
    count = piece_count(size_bytes)
    sums = data.draw(st.lists(st.integers(0, 2**32 - 1), min_size=count, max_size=count))
    footer = replace(footer, size_bytes=size_bytes, sums=tuple(sums))
    text = format_footer(footer)
    assert len(text) == footer_bytes(footer.object_id, size_bytes)
    assert footer_of(text, sparse_bytes=size_bytes) == footer
    assert footer_of(text, sparse_bytes=size_bytes + 1) is None


@given(st.binary(max_size=100))
def test_rubbish_is_no_footer_and_no_error(data: bytes) -> None:
    assert footer_of(data) is None


def test_an_absurd_object_id_is_refused() -> None:
    with pytest.raises(BadRequestError):
        format_footer(Footer("x" * 65536, 1, 0, 0, ()))


def test_extents_of_an_object_share_a_directory_and_nothing_else() -> None:
    names = [extent_name("a", 7, index) for index in range(3)]
    assert len(set(names)) == 3
    assert len({name.split("/")[0] for name in names}) == 1
    assert names[2].endswith("-7-2")


@pytest.mark.parametrize("spoil", ["nothing", "first", "last", "footer", "short", "empty", "other"])
def test_only_the_unchanged_extent_is_sound(tmp_path: Path, spoil: str) -> None:
    data = bytearray(os.urandom(3000))
    footer = format_footer(Footer("a", 1, 0, len(data), (google_crc32c.value(bytes(data)),)))
    content = bytearray(data + footer)
    match spoil:
        case "first":
            content[0] ^= 1
        case "last":
            content[2999] ^= 128
        case "footer":
            content[-1] ^= 1
        case "short":
            del content[500:600]
        case "empty":
            content.clear()
    path = tmp_path / "extent"
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    try:
        index = 1 if spoil == "other" else 0
        assert is_sound(fd, "a", 1, index) is (spoil == "nothing")
    finally:
        os.close(fd)
