"""CRC32C is the same wherever the bytes lie."""

from __future__ import annotations

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.store import crc32c
from origin.store.crc32c import extend_crc32c


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_bytes_and_views_have_the_same_sum(first: bytes, second: bytes) -> None:
    expected = google_crc32c.value(first + second)
    begun = extend_crc32c(0, first)
    assert extend_crc32c(begun, second) == expected
    assert extend_crc32c(begun, memoryview(bytearray(b"x" + second))[1:]) == expected
    assert extend_crc32c(begun, memoryview(second)) == expected


def test_a_binding_without_its_library_sums_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crc32c, "_extend", None)
    # RFC 3720 B.4: thirty-two bytes of zeroes.
    assert extend_crc32c(0, memoryview(bytearray(32))) == 0x8A9136AA


def test_the_library_below_the_binding_is_found() -> None:
    assert crc32c._extend is not None
    assert extend_crc32c(0, memoryview(bytearray(32))) == 0x8A9136AA
