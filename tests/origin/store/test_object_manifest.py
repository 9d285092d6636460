"""A manifest is read as it was written, and nothing else is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.store.base import StoredObject
from origin.store.object_manifest import Manifest, format_manifest, parse_manifest


@given(
    object_id=st.text(max_size=20),
    numbers=st.tuples(*[st.integers(0, 2**62)] * 3),
    crc32c=st.lists(st.integers(0, 2**32 - 1), max_size=4),
)
def test_manifest_is_read_as_it_was_written(
    object_id: str, numbers: tuple[int, int, int], crc32c: list[int]
) -> None:
    manifest = Manifest(StoredObject(object_id, *numbers), "0a" * 32, tuple(crc32c))
    assert parse_manifest(format_manifest(manifest)) == manifest


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b"\xff", b'{"object_id": 1, "generation": []}']
)
def test_what_is_no_manifest_is_none(text: bytes) -> None:
    assert parse_manifest(text) is None
