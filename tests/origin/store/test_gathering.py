"""The life of a writer, whatever the place: pieces, digest, one end."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import ConflictError, UnavailableError
from origin.store.base import Receipt
from origin.store.crc32c import Piece
from origin.store.gathering import GatheringWriter
from origin.store.sums import PIECE_BYTES


class Listed:
    """A place that keeps what it is told; it fails where `fails_in` says."""

    def __init__(self, fails_in: str = "") -> None:
        self.extents: list[list[bytes]] = []
        self.calls: list[str] = []
        self.fails_in = fails_in

    @property
    def sums(self) -> tuple[int, ...]:
        return tuple(range(len(self.extents)))

    def note(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fails_in:
            raise OSError("broken")

    async def put(self, piece: Piece, *, begins_extent: bool) -> None:
        if begins_extent:
            self.extents.append([])
        self.extents[-1].append(bytes(piece))
        if self.fails_in == "put":
            raise OSError("broken")

    async def finish(self) -> None:
        self.note("finish")

    async def publish(self, receipt: Receipt) -> None:
        self.note("publish")

    async def remove(self) -> None:
        self.note("remove")

    @contextmanager
    def telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UnavailableError(str(error)) from error


def writer_to(place: Listed, extent_bytes: int, ended: list[int]) -> GatheringWriter:
    return GatheringWriter(place, None, ("a", 1), extent_bytes, lambda: ended.append(1))


@given(
    st.integers(1, 3 * PIECE_BYTES),
    st.lists(st.integers(0, 5 * PIECE_BYTES // 2), max_size=5),
)
def test_pieces_end_where_extents_end_and_lose_nothing(extent_bytes: int, sizes: list[int]) -> None:
    extent_bytes = max(extent_bytes, sum(sizes) // 50 + 1)
    data = bytes(range(251)) * (sum(sizes) // 251 + 1)
    place, ended = Listed(), list[int]()

    async def main() -> Receipt:
        writer = writer_to(place, extent_bytes, ended)
        at = 0
        for size in sizes:
            await writer.write(memoryview(data)[at : at + size])
            at += size
        return await writer.commit()

    receipt = asyncio.run(main())
    data = data[: sum(sizes)]
    assert b"".join(b"".join(extent) for extent in place.extents) == data
    assert all(len(b"".join(extent)) == extent_bytes for extent in place.extents[:-1])
    assert all(len(piece) <= PIECE_BYTES for extent in place.extents for piece in extent)
    assert receipt.sha256 == hashlib.sha256(data).digest()
    assert receipt.stored.size_bytes == len(data)
    assert receipt.extent_crc32c == place.sums
    assert (place.calls, ended) == (["finish", "publish"], [1])


@pytest.mark.parametrize("where", ["put", "finish", "publish"])
async def test_a_step_that_fails_takes_the_object_with_it(where: str) -> None:
    place, ended = Listed(where), list[int]()
    writer = writer_to(place, 10, ended)

    async def whole() -> None:
        await writer.write(bytes(15))
        await writer.commit()

    with pytest.raises(UnavailableError):
        await whole()
    assert place.calls[-1] == "remove"
    assert ended == [1]
    for again in (writer.write(b"x"), writer.commit()):
        with pytest.raises(ConflictError):
            await again
    await writer.abort()
    assert ended == [1]


async def test_aborting_after_commit_removes_nothing() -> None:
    place, ended = Listed(), list[int]()
    writer = writer_to(place, 10, ended)
    await writer.write(b"kept")
    await writer.commit()
    await writer.abort()
    assert "remove" not in place.calls
    assert ended == [1]


async def test_what_is_sealed_is_durable_takes_no_more_and_is_readable_after_the_commit() -> None:
    place, ended = Listed(), list[int]()
    writer = writer_to(place, 10, ended)
    await writer.write(b"kept")
    await writer.seal()
    assert place.calls == ["finish"]
    with pytest.raises(ConflictError):
        await writer.write(b"more")
    assert (await writer.commit()).stored.size_bytes == 4
    assert (place.calls, ended) == (["finish", "publish"], [1])
