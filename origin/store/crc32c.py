"""CRC32C of pieces, wherever their bytes lie. Pure.

The binding of google-crc32c takes `bytes` alone, and keeps the interpreter meanwhile; the C
function below it takes any memory, so that a piece in memory of ours is not copied to be summed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib import import_module
from typing import Final, TypeAlias

import google_crc32c

Piece: TypeAlias = bytes | memoryview
"""Bytes on their way in. A view is of memory that does not change while the view exists."""


def extend_crc32c(crc32c: int, piece: Piece) -> int:
    """The CRC32C of a text and of `piece` after it, from that of the text."""
    if isinstance(piece, bytes):
        return int(google_crc32c.extend(crc32c, piece))
    if _extend is None or not piece or piece.readonly or not piece.contiguous:
        return int(google_crc32c.extend(crc32c, bytes(piece)))
    return _extend(crc32c, ctypes.addressof(ctypes.c_char.from_buffer(piece)), piece.nbytes)


def _find_extend() -> Callable[[int, int, int], int] | None:
    """`crc32c_extend` of the library that the binding is linked with; None when it is not C."""
    try:
        binding = import_module("google_crc32c._crc32c")
        found = ctypes.CDLL(str(binding.__file__)).crc32c_extend
    except (ImportError, OSError, AttributeError):
        return None
    found.argtypes = (ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t)
    found.restype = ctypes.c_uint32
    return found


_extend: Final = _find_extend()
