"""Lines of the fast lane's log: the same record as the full path's, and never a broken line."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.service.logs import format_time, render_record
from edge.lanelog import (
    END_PART,
    END_WHOLE,
    RANGE,
    LaneLog,
    SampledLaneLog,
    client_text,
    lane_log_of,
    target_texts,
)

pytestmark = pytest.mark.both_forms

TARGETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=3000).map(
    lambda text: b"/" + text.encode()
)
TEXTS = st.none() | st.text(st.characters(max_codepoint=0xFF), max_size=60) | st.just("x" * 3000)
MOMENTS = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000)


@dataclass(frozen=True)
class Answer:
    """An answer of the lane as its log is told of it."""

    at: float
    number: bytes
    client: bytes
    texts: tuple[bytes, bytes]
    sent: int
    digits: bytes
    seconds: float
    complete: bool

    def write_down(self, log: LaneLog) -> None:
        """As the lane does it: at once in pieces, or late."""
        log.begin(self.at)
        text = self.texts[1] if self.digits else self.texts[0]
        if self.seconds or not self.complete:
            seconds, complete = self.seconds, self.complete
            log.late(self.number, self.client, text, self.sent, self.digits, seconds, complete)
            return
        ended = (RANGE, self.digits, END_PART) if self.digits else (END_WHOLE, b"", b"")
        log.lines.add(log.start, self.number, self.client, text, b"%d" % self.sent, *ended)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Answer, dict[str, Any]]:
    """An answer of the lane, and the record that the full path would write down of it."""
    target, session, agent = draw(TARGETS), draw(TEXTS) or "", draw(TEXTS)
    number, sent, at = draw(st.integers(1)), draw(st.integers(0)), draw(MOMENTS)
    seconds, complete = draw(st.sampled_from([0.0, 0.25, 61.5])), draw(st.booleans())
    digits = draw(st.sampled_from([b"", b"0-99", b"007-0008", b"5-"]))
    client = client_text("2001:db8::1", agent)
    texts = target_texts(target, session)
    answer = Answer(at, b"%x" % number, client, texts, sent, digits, seconds, complete)
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
    return answer, told


@given(st.lists(answers(), max_size=4))
def test_each_answer_is_one_line_with_what_the_full_path_would_write(
    drawn: list[tuple[Answer, dict[str, Any]]],
) -> None:
    log = LaneLog('edge "one"', b"abc-f")
    for answer, _ in drawn:
        answer.write_down(log)
    lines = log.take()
    assert lines.count(b"\n") == len(drawn)
    got = [json.loads(line) for line in lines.decode("ascii").splitlines()]
    assert got == [json.loads(render_record(told)) for _, told in drawn]
    assert log.take() == b""


@given(
    st.integers(0, 4_000_000_000_000_000),
    st.lists(st.integers(-3000, 3000) | st.floats(-3000, 3000), max_size=20),
)
def test_a_line_begins_with_its_moment_whatever_came_before(
    microseconds: int, steps: list[float]
) -> None:
    log = LaneLog("edge", b"p")
    for step in [0, *steps]:
        at = max((microseconds + step) / 1_000_000, 0.0)
        log.begin(at)
        assert json.loads(log.start.decode() + '"}')["time"] == format_time(at)


def test_tokens_never_reach_the_log() -> None:
    for target in (b"/~SECRET/films/a.mp4", b"/a?token=SECRET", b"/a?x=1&token=SECRET&y=2"):
        for text in target_texts(target, ""):
            assert b"SECRET" not in text
            assert b"[redacted]" in text


def sampled(ratio: float, count: int, lots: int, cut_every: int) -> list[dict[str, Any]]:
    """What a log keeps of so many hits, taken in lots; some of them cut."""
    log = SampledLaneLog("e1", b"abc-f", ratio, random.Random(5).random)
    client, texts = client_text("::1", "a"), target_texts(b"/a", "")
    kept: list[bytes] = []
    for number in range(count):
        complete = number % cut_every != 0
        seconds = 0.0 if complete else 1.5
        Answer(1.0, b"%x" % number, client, texts, 700, b"0-9", seconds, complete).write_down(log)
        if number % lots == 0:
            kept.append(log.take())
    kept.append(log.take())
    return [json.loads(line) for line in b"".join(kept).splitlines()]


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_a_share_of_the_hits_is_kept_and_says_what_it_stands_for(ratio: float) -> None:
    for lots in (1, 7, 10_000):
        records = sampled(ratio, 20_000, lots, 10**9)
        drawn = [record for record in records if "sample" in record]
        assert all(record["sample"] == ratio for record in drawn)
        stood_for = sum(record["bytes"] / record["sample"] for record in drawn)
        assert stood_for == pytest.approx(20_000 * 700, rel=0.05), lots
        gaps = {int(record["request_id"][5:], 16) for record in drawn}
        assert len(gaps) == len(drawn)


def test_what_was_cut_is_always_kept_and_stands_for_itself() -> None:
    records = sampled(0.001, 3_000, 100, 30)
    cut = [record for record in records if record.get("complete") is False]
    assert len(cut) == 100
    assert not any("sample" in record for record in cut)


def test_a_log_that_keeps_all_is_the_plain_one() -> None:
    assert type(lane_log_of("e1", b"a", 1.0, random.random)) is LaneLog
    assert type(lane_log_of("e1", b"a", 0.5, random.random)) is SampledLaneLog
