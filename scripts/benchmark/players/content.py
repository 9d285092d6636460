"""Bytes of films that can be told apart and compared without keeping them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

_NOISE_BYTES: Final = 1 << 20
_STRIDE_BYTES: Final = 4099
"""Between the beginnings of two films; with no factor in common with the noise."""
_NOISE: Final = random.Random(11).randbytes(_NOISE_BYTES)
_TWICE: Final = memoryview(_NOISE + _NOISE)


def bytes_of(film: int, start: int, stop: int) -> memoryview:
    """Bytes [start, stop) of a film, not more than 1 MiB of them."""
    at = (film * _STRIDE_BYTES + start) % _NOISE_BYTES
    return _TWICE[at : at + stop - start]


def chunks_of(film: int, size_bytes: int) -> Iterator[bytes]:
    """A whole film."""
    for start in range(0, size_bytes, _NOISE_BYTES):
        yield bytes(bytes_of(film, start, min(size_bytes, start + _NOISE_BYTES)))
