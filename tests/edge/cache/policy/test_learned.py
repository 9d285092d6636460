"""What was learned survives the way to a disk and back, or not at all."""

from __future__ import annotations

import struct
import zlib
from array import array
from collections.abc import Mapping
from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.policy.learned import (
    CURVE_STEPS,
    NEVER,
    Contest,
    Learned,
    format_learned,
    parse_learned,
    strongest,
)
from edge.cache.policy.slots import BLOCK_MASK, NUMBER_STOP

CONTEST = Contest("lru", 16, 3.5, 7.25)
titles = st.lists(
    st.tuples(
        st.integers(0, NUMBER_STOP - 1),
        st.floats(-1_000, 1_000, width=32),
        st.integers(1, BLOCK_MASK + 1),
    ),
    max_size=20,
    unique_by=lambda row: row[0],
)


def learned(
    rows: list[tuple[int, float, int]], contest: Contest | None = CONTEST, at: float = 50.0
) -> Learned:
    return Learned(
        at,
        array("Q", [number for number, _, _ in rows]),
        array("f", [score for _, score, _ in rows]),
        array("I", [blocks for _, _, blocks in rows]),
        [float(step) for step in range(CURVE_STEPS)],
        7,
        contest=contest,
    )


SOME = {"": learned([(1, -2.5, 3), (2, 4.0, 1)])}


@given(st.dictionaries(st.text(max_size=5), titles, max_size=3), st.sampled_from([None, CONTEST]))
def test_a_record_is_read_as_it_was_written(
    kinds: Mapping[str, list[tuple[int, float, int]]], contest: Contest | None
) -> None:
    by_kind = {kind: learned(rows, contest) for kind, rows in kinds.items()}
    assert parse_learned(format_learned(by_kind)) == by_kind


def test_no_record_with_a_bit_changed_or_a_byte_less_is_believed() -> None:
    record = format_learned(SOME)
    for place in range(len(record)):
        changed = bytearray(record)
        changed[place] ^= 1 << place % 8
        with pytest.raises(ValueError, match=r"."):
            parse_learned(bytes(changed))
        with pytest.raises(ValueError, match=r"."):
            parse_learned(record[:place])
    with pytest.raises(ValueError, match="cut"):
        parse_learned(record + b"x")


@given(st.binary(max_size=300))
def test_whatever_bytes_there_are_a_record_is_read_or_refused(content: bytes) -> None:
    record = struct.pack("<4sII", b"CDL1", len(content), 0) + content
    with pytest.raises(ValueError, match=r"."):
        parse_learned(record + struct.pack("<I", zlib.crc32(record)))


WRONG = {
    "score": learned([(1, nan, 3)]),
    "large": learned([(1, 2_000.0, 3)]),
    "blocks": learned([(1, 0.0, 0)]),
    "length": learned([(1, 0.0, BLOCK_MASK + 2)]),
    "number": learned([(NUMBER_STOP, 0.0, 1)]),
    "twice": learned([(1, 0.0, 1), (1, 1.0, 1)]),
    "at": learned([], at=inf),
    "beyond": replace(learned([]), at=10**400),
    "curve": replace(learned([]), steps=[0.0]),
    "step": replace(learned([]), steps=[nan] * CURVE_STEPS),
    "counted": replace(learned([]), counted=-1),
    "every": learned([], Contest("lru", 0, 0.0, 0.0)),
    "missed": learned([], Contest("lru", 1, -1.0, 0.0)),
    "fewer": replace(learned([(1, 0.0, 1)]), scores=array("f")),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_no_rule_has_is_refused_however_well_it_was_written(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_learned(format_learned({"": WRONG[name]}))


def test_those_that_were_asked_for_are_written_as_of_the_moment() -> None:
    found = strongest(replace(learned([(1, 6_000.5, 3), (2, NEVER, 9)]), moment=6_000.0))
    assert list(zip(found.numbers, found.scores, found.blocks, strict=True)) == [(1, 0.5, 3)]
    assert (found.moment, found.at, found.contest) == (0.0, 50.0, CONTEST)


def test_of_too_many_the_strongest_are_kept() -> None:
    rows = [(number, number * 7_919 % 50_000 / 100, 1) for number in range(50_000)]
    found = strongest(learned(rows), titles_max=10_000)
    assert 9_500 < len(found.numbers) <= 10_000
    assert min(found.scores) > 390
