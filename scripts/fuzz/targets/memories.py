"""Targets that read what an edge wrote down for its own next life."""

from __future__ import annotations

import json
import struct
import zlib
from array import array
from typing import Final

from edge.cache.policy.learned import (
    CURVE_STEPS,
    Contest,
    Learned,
    format_learned,
    parse_learned,
)
from edge.place import format_place, parse_place
from edge.trust import format_marks, parse_marks
from scripts.fuzz.target import Target, require


def read_learned(data: bytes) -> None:
    """What rules have learned; the checksum is right, or nothing behind it would be met."""
    learned = parse_learned(data + struct.pack("<I", zlib.crc32(data)))
    require(parse_learned(format_learned(learned)) == learned, "round trip")


def read_place(data: bytes) -> None:
    """A place in a journal."""
    place = parse_place(json.loads(data))
    require(parse_place(format_place(place)) == place, "round trip")


def read_marks(data: bytes) -> None:
    """The marks of what may be believed."""
    marks = parse_marks(json.loads(data))
    require(parse_marks(format_marks(marks)) == marks, "round trip")


_LEARNED: Final = format_learned(
    {
        "": Learned(
            *(1.5, array("Q", [7, 8]), array("f", [0.5, -1.0]), array("I", [1, 99])),
            *([0.0] * CURVE_STEPS, 3),
            contest=Contest("lru", 4, 1.0, 2.0),
        )
    }
)[:-4]
_JSON: Final = (b"null", b"1e999", b"-1", b"[]", b"{}", b'""', b"NaN", b"1" * 400, b"[" * 2000)
_NOT_JSON: Final = (ValueError, RecursionError)
TARGETS: Final = (
    Target("learned", read_learned, [_LEARNED], _JSON, (ValueError,)),
    Target("place", read_place, [b'{"sequence": 7, "journal": "a", "mark": "b"}'], _JSON,
           (*_NOT_JSON, KeyError, TypeError, AttributeError)),
    Target("marks", read_marks, [b'{"good": ["a"], "dealt": ["a", "b"]}'], _JSON,
           (*_NOT_JSON, KeyError, TypeError)),
)  # fmt: skip
