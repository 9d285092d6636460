"""What origin and packaging process say to each other over two pipes: frames, without any I/O.

The process asks for bytes of the source and hands over files; it has no other door to the world.
A frame is a kind, a length and a body; lengths are bounded, because the process works on files
that strangers made.
"""

from __future__ import annotations

import enum
import json
import struct
from typing import Any, Final

from origin.packaging.boxes import UnplayableError

HEAD_BYTES: Final = 5
BODY_BYTES_MAX: Final = 8 * 1024 * 1024
READ_BYTES_MAX: Final = 4 * 1024 * 1024


class Kind(enum.Enum):
    """What a frame is for."""

    BEGIN = 1
    """origin: the job, as JSON"""
    BYTES = 2
    """origin: bytes of the source that were asked for"""
    READ = 3
    """process: bytes `[start, stop)` of the source"""
    CREATE = 4
    """process: a file begins; JSON with `name`, `size_bytes`"""
    DATA = 5
    """process: more bytes of that file"""
    END = 6
    """process: that file is whole"""
    PROGRESS = 7
    """process: JSON with `done` from 0 to 1"""
    RESULT = 8
    """process: the job is done; JSON"""
    REFUSED = 9
    """process: the source is not playable; JSON with `reason`"""


def make_frame(kind: Kind, body: bytes = b"") -> bytes:
    """A whole frame."""
    return struct.pack(">BI", kind.value, len(body)) + body


def make_json_frame(kind: Kind, body: dict[str, Any]) -> bytes:
    """A frame with a JSON object."""
    return make_frame(kind, json.dumps(body).encode())


def parse_frame_head(head: bytes) -> tuple[Kind, int]:
    """Kind and length of the body. Raises UnplayableError for what no sane process sends."""
    number, length = struct.unpack(">BI", head)
    try:
        kind = Kind(number)
    except ValueError:
        raise UnplayableError("the packaging process speaks nonsense") from None
    if length > BODY_BYTES_MAX:
        raise UnplayableError("the packaging process says too much at once")
    return kind, length


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a frame. Raises UnplayableError."""
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UnplayableError("the packaging process speaks nonsense")
    return value


def parse_file(body: bytes) -> tuple[str, int]:
    """Name and length of the file a CREATE begins. Raises UnplayableError."""
    begun = parse_object(body)
    name, size_bytes = begun.get("name"), begun.get("size_bytes")
    if type(name) is not str or type(size_bytes) is not int or size_bytes < 0:
        raise UnplayableError("the packaging process speaks nonsense")
    return name, size_bytes


def parse_share(body: bytes) -> float:
    """How much of the job a PROGRESS says is done, 0 to 1. Raises UnplayableError."""
    done = parse_object(body).get("done")
    if isinstance(done, bool) or not isinstance(done, int | float) or not 0 <= done <= 1:
        raise UnplayableError("the packaging process speaks nonsense")
    return float(done)


def parse_interval(body: bytes) -> tuple[int, int]:
    """The interval of a READ. Raises UnplayableError."""
    if len(body) != 16:
        raise UnplayableError("the packaging process speaks nonsense")
    start, stop = struct.unpack(">QQ", body)
    if not start <= stop <= start + READ_BYTES_MAX:
        raise UnplayableError("the packaging process asks for too much at once")
    return start, stop


def make_read(start: int, stop: int) -> bytes:
    """A READ frame."""
    return make_frame(Kind.READ, struct.pack(">QQ", start, stop))
