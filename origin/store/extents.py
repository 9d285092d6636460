"""What an extent is on disk: its name, its arithmetic, and the footer that vouches for its bytes.

Decides file names and byte layout only; which volume holds an extent is `origin.store.volumes`.
The footer makes each file self-describing, so that a scrub needs neither catalog nor file name.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import google_crc32c

from cdnkit.errors import BadRequestError
from origin.store.base import StoredObject
from origin.store.sums import PIECE_BYTES, piece_count

MAGIC: Final = b"CDX2"

_TAIL: Final = struct.Struct(">QIQH4s")
_SUM_BYTES: Final = 4
_ID_BYTES_MAX: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Footer:
    """The last bytes of an extent file: whose bytes precede it, how many, and the CRC32C of each
    piece of them."""

    object_id: str
    generation: int
    index: int
    size_bytes: int
    sums: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExtentSlice:
    """Bytes `[start, stop)` of extent `index`, which holds `size_bytes` in all."""

    index: int
    start: int
    stop: int
    size_bytes: int


def placement_key(object_id: str, generation: int, index: int) -> bytes:
    """The key under which volumes are ranked for an extent."""
    return f"{object_id}\0{generation}\0{index}".encode()


def extent_name(object_id: str, generation: int, index: int) -> str:
    """Path of an extent below `extents/`; the extents of one object share a directory."""
    digest = hashlib.sha256(object_id.encode()).hexdigest()[:32]
    return f"{digest[:2]}/{digest}-{generation}-{index}"


def extent_count(stored: StoredObject) -> int:
    """How many extents an object has; an empty object has one, which is empty."""
    return max(1, -(-stored.size_bytes // stored.extent_bytes))


def locate(stored: StoredObject, start: int, stop: int) -> list[ExtentSlice]:
    """The extents under `[start, stop)`. Raises BadRequestError outside the object."""
    if not 0 <= start <= stop <= stored.size_bytes:
        raise BadRequestError(f"[{start}, {stop}) is not inside {stored.size_bytes} bytes")
    found = []
    extent_bytes = stored.extent_bytes
    while start < stop:
        index, offset = divmod(start, extent_bytes)
        size_bytes = min(extent_bytes, stored.size_bytes - index * extent_bytes)
        end = min(size_bytes, offset + stop - start)
        found.append(ExtentSlice(index, offset, end, size_bytes))
        start += end - offset
    return found


def footer_bytes(object_id: str, size_bytes: int) -> int:
    """Length of the footer of an extent of this object that has so many bytes."""
    return len(object_id.encode()) + _SUM_BYTES * piece_count(size_bytes) + _TAIL.size


def format_footer(footer: Footer) -> bytes:
    """The footer as it is written. Raises BadRequestError for an absurdly long object id."""
    name = footer.object_id.encode()
    if len(name) > _ID_BYTES_MAX:
        raise BadRequestError(f"object id of {len(name)} bytes")
    sums = struct.pack(f">{len(footer.sums)}I", *footer.sums)
    tail = _TAIL.pack(footer.generation, footer.index, footer.size_bytes, len(name), MAGIC)
    return name + sums + tail


def read_footer(fd: int) -> Footer | None:
    """The footer of an open extent file, or None when there is no whole one. Raises OSError."""
    size_bytes = os.fstat(fd).st_size
    tail = os.pread(fd, _TAIL.size, max(0, size_bytes - _TAIL.size))
    if len(tail) < _TAIL.size:
        return None
    generation, index, content_bytes, name_bytes, magic = _TAIL.unpack(tail)
    sums_bytes = _SUM_BYTES * piece_count(content_bytes)
    if magic != MAGIC or size_bytes != content_bytes + name_bytes + sums_bytes + _TAIL.size:
        return None
    rest = os.pread(fd, name_bytes + sums_bytes, content_bytes)
    try:
        object_id = rest[:name_bytes].decode()
    except UnicodeDecodeError:
        return None
    sums = struct.unpack(f">{sums_bytes // _SUM_BYTES}I", rest[name_bytes:])
    return Footer(object_id, generation, index, content_bytes, sums)


def is_sound(
    fd: int,
    object_id: str,
    generation: int,
    index: int,
    spend: Callable[[int], object] = lambda size_bytes: None,
) -> bool:
    """Whether an open file is that extent, whole and unchanged. Reads all of it; raises OSError.

    `spend` is told of each piece before it is read, and may wait.
    """
    footer = read_footer(fd)
    if footer is None or (footer.object_id, footer.generation, footer.index) != (
        object_id,
        generation,
        index,
    ):
        return False
    for piece in range(len(footer.sums)):
        spend(min(PIECE_BYTES, footer.size_bytes - piece * PIECE_BYTES))
        if read_piece(fd, footer.sums, footer.size_bytes, piece) is None:
            return False
    return True


def read_piece(fd: int, sums: Sequence[int], size_bytes: int, piece: int) -> bytes | None:
    """One piece of an extent of so many bytes; None when it is not what was written.

    Raises OSError.
    """
    start = piece * PIECE_BYTES
    wanted_bytes = min(PIECE_BYTES, size_bytes - start)
    data = os.pread(fd, wanted_bytes, start)
    is_right = len(data) == wanted_bytes and google_crc32c.value(data) == sums[piece]
    return data if is_right else None
