"""Lines of the fast lane's log: the same record as the full path's, and never a broken line."""

from __future__ import annotations

import json
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from cdnkit.service.logs import render_record
from edge.fastlane import Hot, LaneRecord
from edge.lanelog import client_text, render_lane

TARGETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=3000).map(
    lambda text: b"/" + text.encode()
)
TEXTS = st.none() | st.text(st.characters(max_codepoint=0xFF), max_size=60) | st.just("x" * 3000)
MOMENTS = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000)


def hot_of(target: bytes, session: str = "") -> Hot:
    return Hot(target, cast(Any, None), 0.0, session)


@st.composite
def answers(draw: st.DrawFn) -> tuple[LaneRecord, dict[str, Any]]:
    """A record of the lane, and the same answer as the full path would write it down."""
    target, session, agent = draw(TARGETS), draw(TEXTS) or "", draw(TEXTS)
    number, sent, at = draw(st.integers(1)), draw(st.integers(0)), draw(MOMENTS)
    seconds, complete = draw(st.sampled_from([0.0, 0.25, 61.5])), draw(st.booleans())
    digits = draw(st.sampled_from([b"", b"0-99", b"007-0008"]))
    client = client_text("2001:db8::1", agent)
    record: LaneRecord = (
        hot_of(target, session),
        client,
        number,
        digits,
        sent,
        at,
        seconds,
        complete,
    )
    told: dict[str, Any] = {
        "time": at,
        "tier": "edge",
        "node": 'edge "one"',
        "request_id": f"abc-f{number:x}",
        "client": "2001:db8::1",
        "method": "GET",
        "path": target.decode(),
        "status": 206 if digits else 200,
        "bytes": sent,
        "duration_ms": seconds * 1000,
        "outcome": "hit",
        "range": f"bytes={digits.decode()}" if digits else None,
        "user_agent": agent,
        "session": session or None,
        "complete": None if complete else False,
    }
    return record, told


@given(st.lists(answers(), max_size=4))
def test_each_answer_is_one_line_with_what_the_full_path_would_write(
    drawn: list[tuple[LaneRecord, dict[str, Any]]],
) -> None:
    lines = render_lane([record for record, _ in drawn], 'edge "one"', b"abc-f")
    assert lines.count(b"\n") == len(drawn)
    got = [json.loads(line) for line in lines.decode("ascii").splitlines()]
    assert got == [json.loads(render_record(told)) for _, told in drawn]


def test_tokens_never_reach_the_log() -> None:
    for target in (b"/~SECRET/films/a.mp4", b"/a?token=SECRET", b"/a?x=1&token=SECRET&y=2"):
        record: LaneRecord = (hot_of(target), b"127.0.0.1", 1, b"", 5, 0.0, 0.0, True)
        (line,) = render_lane([record], "e", b"a-f").splitlines()
        assert b"SECRET" not in line
        assert b"[redacted]" in line
