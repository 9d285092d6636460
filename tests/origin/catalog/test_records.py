"""Validators made of rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cdnkit.validators import Validators, is_strong_etag
from origin.catalog.records import ObjectRow, format_object_etag, format_title_etag
from origin.store.base import StoredObject

SHA256 = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(number=st.integers(1, 2**62), sha256=SHA256)
def test_etags_are_strong_and_name_number_and_digest(number: int, sha256: str) -> None:
    for etag in (format_object_etag(number, sha256), format_title_etag(number, sha256)):
        assert is_strong_etag(etag)
        assert etag == f'"{number}-{sha256[:16]}"'


def test_bytes_are_found_by_the_generation_they_were_stored_under() -> None:
    row = ObjectRow("a", 3, 2, 5, 65536, "video/mp4", "00" * 32, '"3-00"', 1.9)
    assert row.stored == StoredObject("a", 2, 5, 65536)
    assert row.validators == Validators('"3-00"', 1)
