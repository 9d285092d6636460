"""Lines of the fast lane's log: the same record as the full path's, and never a broken line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cdnkit.service.logs import render_record
from edge.lanelog import END_PART, END_WHOLE, RANGE, LaneLog, client_text, target_texts

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
        log.pieces += (log.start, self.number, self.client, text, b"%d" % self.sent)
        log.pieces += (RANGE, self.digits, END_PART) if self.digits else (END_WHOLE,)


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


def test_tokens_never_reach_the_log() -> None:
    for target in (b"/~SECRET/films/a.mp4", b"/a?token=SECRET", b"/a?x=1&token=SECRET&y=2"):
        for text in target_texts(target, ""):
            assert b"SECRET" not in text
            assert b"[redacted]" in text
