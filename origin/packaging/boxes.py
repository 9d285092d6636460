"""ISO base media boxes (ISO/IEC 14496-12 4.2): finding them in bytes, and writing them.

Knows sizes and names alone; what a box means is for `tables`, `fragments` and `headers`. Every
size is checked against what encloses it, so a hostile file ends in UnplayableError and never in a
read outside its parent or a loop without end.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from cdnkit.errors import CinedgeError, Fault

ReadAt = Callable[[int, int], bytes]
"""Bytes `[start, stop)` of a file, all of them."""

TOP_LEVEL_BOXES_MAX: Final = 1_000_000
CHILDREN_MAX: Final = 10_000


class UnplayableError(CinedgeError):
    """These bytes are no film that can be played; `detail` is the reason."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "unplayable"
    fault: ClassVar[Fault] = Fault.CLIENT


@dataclass(frozen=True, slots=True)
class Box:
    """A box at `[start, stop)` whose payload begins at `payload`."""

    kind: str
    start: int
    payload: int
    stop: int


def parse_header(head: bytes, start: int, limit: int) -> Box:
    """The box whose first up to 16 bytes are `head`, inside an enclosure that ends at `limit`.

    Raises UnplayableError.
    """
    if len(head) < 8:
        raise UnplayableError(f"a box header is cut short at byte {start}")
    size, name = struct.unpack_from(">I4s", head)
    payload = start + 8
    if size == 1:
        if len(head) < 16:
            raise UnplayableError(f"a box header is cut short at byte {start}")
        (size,) = struct.unpack_from(">Q", head, 8)
        payload = start + 16
    elif size == 0:
        size = limit - start  # it reaches to the end of the file
    stop = start + size
    if stop < payload or stop > limit:
        raise UnplayableError(f"the box at byte {start} does not fit into what holds it")
    return Box(name.decode("latin-1"), start, payload, stop)


def iterate_boxes(data: bytes, start: int, stop: int) -> Iterator[Box]:
    """The boxes that fill `[start, stop)` of `data`. Raises UnplayableError."""
    count = 0
    while start < stop:
        if stop - start < 8 and not any(data[start:stop]):
            return  # QuickTime ends some boxes with a zero word
        box = parse_header(data[start : min(start + 16, stop)], start, stop)
        count += 1
        if count > CHILDREN_MAX:
            raise UnplayableError("a box has too many children")
        yield box
        start = box.stop


def children(data: bytes, box: Box, skip: int = 0) -> list[Box]:
    """The boxes inside `box`, after `skip` bytes of its own fields. Raises UnplayableError."""
    return list(iterate_boxes(data, box.payload + skip, box.stop))


def find(boxes: Sequence[Box], kind: str) -> Box | None:
    """The first box of a kind."""
    return next((box for box in boxes if box.kind == kind), None)


def require(boxes: Sequence[Box], kind: str) -> Box:
    """The first box of a kind. Raises UnplayableError."""
    box = find(boxes, kind)
    if box is None:
        raise UnplayableError(f"the file has no {kind!r} box where one is needed")
    return box


def find_path(data: bytes, boxes: Sequence[Box], *kinds: str) -> Box:
    """Follow kinds downwards. Raises UnplayableError."""
    box = require(boxes, kinds[0])
    for kind in kinds[1:]:
        box = require(children(data, box), kind)
    return box


def scan_top_level(read: ReadAt, size_bytes: int) -> Iterator[Box]:
    """The boxes of a file, by reading their headers alone. Raises UnplayableError.

    A file whose last `mdat` was cut by a crash still has its boxes before it; the cut is an error.
    """
    start = 0
    for _ in range(TOP_LEVEL_BOXES_MAX):
        if start >= size_bytes:
            return
        box = parse_header(read(start, min(start + 16, size_bytes)), start, size_bytes)
        yield box
        start = box.stop
    raise UnplayableError("the file has too many boxes")


class Fields:
    """Reads big-endian numbers of one payload in order. Raises UnplayableError beyond its end."""

    def __init__(self, data: bytes, start: int, stop: int) -> None:
        self._data = data
        self._at = start
        self._stop = stop

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return self._stop - self._at

    def take(self, form: str) -> tuple[int, ...]:
        """The next numbers, in the form of `struct`."""
        length = struct.calcsize(">" + form)
        if length > self.left:
            raise UnplayableError(f"a box ends too early at byte {self._stop}")
        values = struct.unpack_from(">" + form, self._data, self._at)
        self._at += length
        return values

    def number(self, form: str) -> int:
        """The next number."""
        return self.take(form)[0]

    def numbers(self, count: int, form: str = "I") -> tuple[int, ...]:
        """The next `count` numbers of one form, checked against what is left first."""
        if count * struct.calcsize(">" + form) > self.left:
            raise UnplayableError(f"a table ends too early at byte {self._stop}")
        return self.take(f"{count}{form}")

    def bytes(self, length: int) -> bytes:
        """The next bytes."""
        if length > self.left:
            raise UnplayableError(f"a box ends too early at byte {self._stop}")
        self._at += length
        return self._data[self._at - length : self._at]

    def version(self) -> tuple[int, int]:
        """Version and flags of a full box (4.2.2)."""
        word = self.number("I")
        return word >> 24, word & 0xFFFFFF


def fields_of_box(data: bytes, box: Box) -> Fields:
    """A reader of the payload of `box`."""
    return Fields(data, box.payload, box.stop)


def make_box(kind: str, *parts: bytes) -> bytes:
    """A box around `parts`."""
    payload = b"".join(parts)
    return struct.pack(">I4s", 8 + len(payload), kind.encode("latin-1")) + payload


def make_full_box(kind: str, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with version and flags around `parts`."""
    return make_box(kind, struct.pack(">I", version << 24 | flags), *parts)


def make_media_header(length: int, force_large: bool = False) -> bytes:
    """The header of an `mdat` with `length` bytes of payload: 8 bytes, 16 when it must be."""
    if force_large or length + 8 > 0xFFFFFFFF:
        return struct.pack(">I4sQ", 1, b"mdat", length + 16)
    return struct.pack(">I4s", length + 8, b"mdat")
