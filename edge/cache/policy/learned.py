"""What a rule has learned of titles, as a record that outlives the process. Pure.

Scores are kept as of the moment of writing, so that whoever takes them over later finds them aged
by the time between, with its own half-life. A record comes from a disk: one that is cut, changed or
not finite is refused as a whole.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Final

from edge.cache.policy.slots import BLOCK_MASK, NUMBER_STOP

NEVER: Final = -128.0
"""The score of a title that nobody has asked for."""
NO_KIND: Final = ""
"""Of which what was learned is where kinds of content have no shares."""
TITLES_MAX: Final = 200_000
"""Titles in a record: 16 bytes each, and 0.1 s of a start."""
CURVE_STEPS: Final = 66
_MAGIC: Final = b"CDL1"
_HEAD: Final = struct.Struct("<4sII")
_CRC: Final = struct.Struct("<I")
_SCORE_MAX: Final = 1_000.0
_SAMPLED: Final = 4_096
_NO_RECORD: Final = (struct.error, KeyError, TypeError, AttributeError, OverflowError)
_WIDTHS: Final = {"Q": 8, "f": 4, "I": 4}


@dataclass(frozen=True, slots=True)
class Contest:
    """How two rules stood against each other; `every` is how thin the sample was."""

    ruling: str
    every: int
    lru_missed_bytes: float
    titles_missed_bytes: float


@dataclass(frozen=True, slots=True)
class Learned:
    """Titles by number: log2 of their requests and their length.

    One request at `at` seconds has the score `moment`. `steps` and `counted` are of the curve that
    says how far viewers come.
    """

    at: float
    numbers: array[int]
    scores: array[float]
    blocks: array[int]
    steps: Sequence[float]
    counted: int
    moment: float = 0.0
    contest: Contest | None = None


def strongest(learned: Learned, titles_max: int = TITLES_MAX) -> Learned:
    """Titles that were asked for, those with the highest scores when they are more than so many.

    Scores are of a request at the moment of writing from then on. Where to cut is told from a
    sample: nothing here takes the time of a sort of everything.
    """
    numbers, scores, blocks = array("Q"), array("f"), array("I")
    total, score_min = len(learned.scores), NEVER
    if total > titles_max:
        sample = sorted(learned.scores[:: max(total // _SAMPLED, 1)], reverse=True)
        score_min = max(score_min, sample[min(len(sample) * titles_max // total, len(sample) - 1)])
    rows = zip(learned.numbers, learned.scores, learned.blocks, strict=True)
    for number, score, length in rows:
        if score > score_min and len(numbers) < titles_max:
            numbers.append(number)
            scores.append(max(score - learned.moment, -_SCORE_MAX))
            blocks.append(length)
    return replace(learned, numbers=numbers, scores=scores, blocks=blocks, moment=0.0)


def format_learned(by_kind: Mapping[str, Learned]) -> bytes:
    """The record of what was learned of each kind of content, as `strongest` leaves it."""
    words, parts = [], []
    for kind, learned in by_kind.items():
        contest = learned.contest
        words.append(
            {
                "kind": kind,
                "at": learned.at,
                "titles": len(learned.numbers),
                "steps": list(learned.steps),
                "counted": learned.counted,
                "contest": None if contest is None else _words_of(contest),
            }
        )
        parts += [_bytes_of(each) for each in (learned.numbers, learned.scores, learned.blocks)]
    text = json.dumps(words).encode()
    body = b"".join(parts)
    record = _HEAD.pack(_MAGIC, len(text), len(body)) + text + body
    return record + _CRC.pack(zlib.crc32(record))


def parse_learned(record: bytes) -> dict[str, Learned]:
    """The reverse of `format_learned`. Raises ValueError."""
    try:
        return _parse(record)
    except (*_NO_RECORD, RecursionError) as error:
        raise ValueError("not a record of what was learned") from error


def _parse(record: bytes) -> dict[str, Learned]:
    magic, text_bytes, body_bytes = _HEAD.unpack_from(record)
    stop = _HEAD.size + text_bytes
    if magic != _MAGIC or len(record) != stop + body_bytes + _CRC.size:
        raise ValueError("not a record of this kind, or cut")
    if _CRC.unpack_from(record, stop + body_bytes)[0] != zlib.crc32(record[: -_CRC.size]):
        raise ValueError("the checksum differs")
    by_kind: dict[str, Learned] = {}
    place = stop
    for words in json.loads(record[_HEAD.size : stop]):
        titles = words["titles"]
        columns: list[array[Any]] = []
        for code, width in _WIDTHS.items():
            columns.append(_array_of(code, record[place : place + titles * width], titles))
            place += titles * width
        by_kind[str(words["kind"])] = _checked(words, columns)
    if place != stop + body_bytes:
        raise ValueError("more than its words say")
    return by_kind


def _checked(words: Mapping[str, Any], columns: Sequence[array[Any]]) -> Learned:
    numbers, scores, blocks = columns
    steps, counted, contest = words["steps"], words["counted"], words["contest"]
    figures = [float(words["at"]), float(counted), *map(float, steps), *scores]
    if not all(map(isfinite, figures)) or len(steps) != CURVE_STEPS or counted < 0:
        raise ValueError("figures that no rule has")
    if any(not -_SCORE_MAX <= score <= _SCORE_MAX for score in scores):
        raise ValueError("a score that no title has")
    if numbers and (max(numbers) >= NUMBER_STOP or max(blocks) > BLOCK_MASK + 1 or not min(blocks)):
        raise ValueError("a title that cannot be")
    if len(set(numbers)) < len(numbers):
        raise ValueError("a title that is there twice")
    return Learned(
        *(float(words["at"]), numbers, scores, blocks, [*map(float, steps)], int(counted)),
        contest=None if contest is None else _contest(contest),
    )


def _words_of(contest: Contest) -> list[Any]:
    missed = contest.lru_missed_bytes, contest.titles_missed_bytes
    return [contest.ruling, contest.every, *missed]


def _contest(words: Sequence[Any]) -> Contest:
    ruling, every, lru, titles = words
    missed = float(lru), float(titles)
    if type(every) is not int or not 1 <= every <= BLOCK_MASK:
        raise ValueError("a sample that cannot be")
    if not all(isfinite(each) and each >= 0 for each in missed):
        raise ValueError("misses that cannot be")
    return Contest(str(ruling), every, *missed)


def _bytes_of(column: array[Any]) -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def _array_of(code: str, data: bytes, count: int) -> array[Any]:
    column = array(code, data)
    if len(column) != count:
        raise ValueError("fewer titles than its words say")
    if sys.byteorder == "big":
        column.byteswap()
    return column
