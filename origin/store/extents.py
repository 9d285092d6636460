"""What an extent is on disk: its name, its arithmetic, and the footer that vouches for its bytes.

Decides file names and byte layout only; which volume holds an extent is `origin.store.volumes`.
The footer makes each file self-describing, so that a scrub needs neither catalog nor file name.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import google_crc32c

from cdnkit.errors import BadRequestError
from origin.store.base import StoredObject

MAGIC: Final = b"CDX1"
PIECE_BYTES: Final = 1024 * 1024

_TAIL: Final = struct.Struct(">QIQIH4s")
_ID_BYTES_MAX: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Footer:
    """The last bytes of an extent file: whose bytes precede it, how many, and their CRC32C."""

    object_id: str
    generation: int
    index: int
    size_bytes: int
    crc32c: int


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
    while start < stop:
        index, offset = divmod(start, stored.extent_bytes)
        size_bytes = min(stored.extent_bytes, stored.size_bytes - index * stored.extent_bytes)
        end = min(size_bytes, offset + stop - start)
        found.append(ExtentSlice(index, offset, end, size_bytes))
        start += end - offset
    return found


def footer_bytes(object_id: str) -> int:
    """Length of the footer of an extent of this object."""
    return len(object_id.encode()) + _TAIL.size


def format_footer(footer: Footer) -> bytes:
    """The footer as it is written. Raises BadRequestError for an absurdly long object id."""
    name = footer.object_id.encode()
    if len(name) > _ID_BYTES_MAX:
        raise BadRequestError(f"object id of {len(name)} bytes")
    return name + _TAIL.pack(
        footer.generation, footer.index, footer.size_bytes, footer.crc32c, len(name), MAGIC
    )


def parse_footer(data: bytes) -> Footer | None:
    """The footer at the end of `data`, or None when there is no whole one."""
    if len(data) < _TAIL.size:
        return None
    generation, index, size_bytes, crc32c, length, magic = _TAIL.unpack(data[-_TAIL.size :])
    if magic != MAGIC or len(data) < _TAIL.size + length:
        return None
    try:
        object_id = data[-_TAIL.size - length : -_TAIL.size].decode()
    except UnicodeDecodeError:
        return None
    return Footer(object_id, generation, index, size_bytes, crc32c)


def read_footer(fd: int) -> Footer | None:
    """The footer of an open extent file, or None. Raises OSError."""
    size_bytes = os.fstat(fd).st_size
    start = max(0, size_bytes - _ID_BYTES_MAX - _TAIL.size)
    return parse_footer(os.pread(fd, size_bytes - start, start))


def is_sound(
    fd: int,
    object_id: str,
    generation: int,
    index: int,
    spend: Callable[[int], object] = lambda size_bytes: None,
) -> bool:
    """Whether an open file is that extent, whole and unchanged. Reads all of it; raises OSError.

    `spend` is told of each piece read, and may wait.
    """
    footer = read_footer(fd)
    if footer is None or (footer.object_id, footer.generation, footer.index) != (
        object_id,
        generation,
        index,
    ):
        return False
    crc32c, at = 0, 0
    while at < footer.size_bytes:
        piece = os.pread(fd, min(PIECE_BYTES, footer.size_bytes - at), at)
        if not piece:
            return False
        crc32c = google_crc32c.extend(crc32c, piece)
        at += len(piece)
        spend(len(piece))
    return crc32c == footer.crc32c
