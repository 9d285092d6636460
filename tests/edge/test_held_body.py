"""The rest of an answer: the right bytes of the right files, to the end."""

from __future__ import annotations

import types
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from edge.body import Progress
from edge.held_body import HeldBody

BLOCK_BYTES = 10


@given(st.integers(0, 99), st.integers(1, 100), st.data())
def test_every_byte_comes_once_from_its_block(start: int, size: int, data: st.DataObject) -> None:
    stop = start + size
    first = start // BLOCK_BYTES
    position = data.draw(st.integers(start, stop))
    files = cast(Any, list(range(first, stop // BLOCK_BYTES + 1)))
    body = HeldBody(files, BLOCK_BYTES, first, position, stop)
    connection = cast(Any, types.SimpleNamespace())
    sent: list[int] = []
    while body.advance(connection) is Progress.READY:
        begin = connection.file * BLOCK_BYTES + connection.offset
        assert 0 < connection.left <= BLOCK_BYTES - connection.offset
        sent += range(begin, begin + connection.left)
    assert sent == list(range(position, stop))
    body.close()
