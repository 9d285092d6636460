from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.http1.fields import FieldError
from edge.http1.response import RESPONSE_HEAD_BYTES_MAX, Framing, parse_response
from tests.helpers.vectors import case_id, load_vectors

CASES = load_vectors("response_heads")


def _input(case: dict[str, Any]) -> tuple[bytes, bytes]:
    return case["head"].encode("latin-1"), case.get("request", "GET").encode()


@pytest.mark.parametrize("case", [case for case in CASES if "malformed" in case], ids=case_id)
def test_a_malformed_answer_is_an_error(case: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        parse_response(*_input(case))


@pytest.mark.parametrize("case", [case for case in CASES if "malformed" not in case], ids=case_id)
def test_the_end_of_an_answer_is_found_as_the_standard_says(case: dict[str, Any]) -> None:
    head = parse_response(*_input(case))
    assert head.framing is Framing(case["framing"])
    assert head.content_length == case.get("length", 0)
    assert head.status == case.get("status", 200)
    assert head.keep_alive == case.get("keep_alive", True)
    if "pairs" in case:
        assert [[name.decode(), value.decode()] for name, value in head.pairs] == case["pairs"]


@given(
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from([b"A: b", b" c", b"Content-Length: 5", b"Transfer-Encoding: chunked"])
        | st.binary(max_size=8),
        max_size=5,
    ).map(lambda lines: b"\r\n".join([b"HTTP/1.1 200 OK", *lines])),
    st.sampled_from([b"GET", b"HEAD"]),
)
def test_arbitrary_bytes_are_an_answer_or_an_error(head: bytes, method: bytes) -> None:
    try:
        answer = parse_response(head, method)
    except FieldError:
        return
    assert 100 <= answer.status <= 999
    assert not any(set(name + value) & set(b"\r\n\0") for name, value in answer.pairs)
    assert (answer.framing is Framing.CHUNKED) <= (b"transfer-encoding" in answer.fields)
    assert not (answer.framing is Framing.CLOSE and answer.keep_alive)
    assert len(answer.fields.lines(b"content-length")) <= 1


def test_folds_and_white_space_cost_one_pass() -> None:
    filling = b" " * (RESPONSE_HEAD_BYTES_MAX // 2)
    head = b"HTTP/1.1 200 OK\r\nA: b" + filling + b"\r\n c\r\nB: " + filling + b"d"
    started = time.process_time()
    answer = parse_response(head, b"GET")
    assert time.process_time() - started < 0.25
    assert answer.fields.first(b"b") == b"d"
