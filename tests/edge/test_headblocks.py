"""Header blocks: shared, bounded, and compared without what players say of themselves."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.connection import Connection
from edge.headblocks import without_cmcd
from edge.http1.fields import FIELDS_MAX
from edge.http1.request import RefusedError, parse_request
from tests.edge.conftest import Plan
from tests.edge.laned import SMALL, all_of, laned_on_films
from tests.helpers.raw_client import head

pytestmark = pytest.mark.both_forms

NAMES = ("CMCD-Object", "CMCD-Request", "cmcd-session", "CMCD-STATUS")
LINES = st.lists(
    st.tuples(
        st.sampled_from((*NAMES, "CMCD-Other", "X-CMCD-Request", "Accept")),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20),
    ),
    max_size=6,
)
BITS = st.sampled_from(
    (b"\r\n", b"\r\n\r\n", b"\r", b"\n", b"\0", b" ", b":", b"\xff", b"\r\nCMCD-Request: a")
)


def fields_of(data: bytes) -> list[tuple[bytes, bytes]] | None:
    """The fields of a head that is all of `data`, without CMCD; None when the parser refuses."""
    if not data.endswith(b"\r\n\r\n") or data.find(b"\r\n\r\n") != len(data) - 4:
        return None
    try:
        pairs = parse_request(data[:-4]).pairs
    except RefusedError:
        return None
    own = {name.lower().encode() for name in NAMES}
    return [pair for pair in pairs if pair[0] not in own]


@given(LINES, st.lists(st.tuples(st.integers(0, 400), BITS), max_size=3))
def test_what_is_left_is_taken_only_if_the_whole_would_be(
    lines: list[tuple[str, str]], damage: list[tuple[int, bytes]]
) -> None:
    data = head("/a", *(f"{name}: {value}" for name, value in lines))
    for at, bit in damage:
        data = data[: at % (len(data) + 1)] + bit + data[at % (len(data) + 1) :]
    left = fields_of(without_cmcd(data))
    if left is not None:
        assert fields_of(data) == left


def test_lines_of_cmcd_are_left_out_wherever_they_stand() -> None:
    plain = head("/a", "Accept: */*")
    for at in (b"\r\nHost", b"\r\nAccept", b"\r\n\r\n"):
        spoken = plain.replace(at, b'\r\nCMCD-Request: bl=1,nor="a b"\r\nCMCD-Status:' + at)
        assert spoken != plain
        assert without_cmcd(spoken) == plain


@pytest.mark.parametrize("count", [FIELDS_MAX - 10, FIELDS_MAX])
def test_more_lines_than_the_parser_takes_prove_nothing(count: int) -> None:
    data = head("/a", *["CMCD-Status: bs"] * count)
    assert (without_cmcd(data) == data) is (count == FIELDS_MAX)


async def test_remembered_blocks_are_shared_and_bounded(plan: Plan) -> None:
    async with laned_on_films(plan) as fast:
        client = await fast.edge.client()
        await fast.warm(client, "/small")
        lane, (connection,) = fast.lane, all_of(fast)
        for number in range(5000):
            block = head("/small", f"X-N: {number}")[:-4]
            lane.remember(connection, block, parse_request(block))
        assert len(lane.blocks) <= 4096
        other = cast(Any, Connection(fast.edge.worker.server, client.sock, -1, "127.0.0.1"))
        lane.remember(other, block, parse_request(block))
        assert other.plain is connection.plain
        huge = head("/small", "X: " + "x" * 9000)[:-4]
        lane.remember(connection, huge, parse_request(huge))
        assert connection.plain is other.plain
        assert await fast.warm(client, "/small", "X-N: 4999") == SMALL
