from __future__ import annotations

from edge.question import Question
from tests.edge.made import a_request


def test_a_question_for_the_store_leaves_out_what_is_the_clients_own() -> None:
    request = a_request("Accept: a/b", "Range: bytes=0-1", 'If-None-Match: "x"', "TE: trailers")
    question = Question.about(b"/a", request, 7)
    assert question.pairs == [(b"accept", b"a/b")]
    assert (question.target, question.asked, question.epoch) == (b"/a", None, 7)


def test_a_part_is_asked_for_unencoded() -> None:
    question = Question.about(b"/a", a_request("Accept-Encoding: gzip", "Accept: a/b"), 7)
    part = question.of_part((5, 9))
    assert part.asked == (5, 9)
    assert part.pairs == [(b"accept", b"a/b"), (b"accept-encoding", b"identity")]
    assert question.pairs == [(b"accept-encoding", b"gzip"), (b"accept", b"a/b")]
