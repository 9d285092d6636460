"""Targets of HTTP messages see a parser that reads otherwise than another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cdnkit.service.framing import Framing
from edge.http1.request import Request, parse_request
from scripts.fuzz.target import Target
from scripts.fuzz.targets import messages
from tests.scripts.fuzz.borne import check_borne, found_in

BY_NAME = {target.name: target for target in messages.TARGETS}


@pytest.mark.parametrize("target", messages.TARGETS, ids=lambda target: target.name)
def test_the_parser_bears_what_chance_makes_of_its_examples(target: Target) -> None:
    check_borne(target)


def test_a_parser_that_reads_another_method_than_h11_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mistaken(head: bytes) -> Request:
        return replace(parse_request(head), method=b"PUT")

    head = b"POST / HTTP/1.1\r\nHost: a\r\nX: 1"
    assert found_in(BY_NAME["request-head"], head) is None
    monkeypatch.setattr(messages, "parse_request", mistaken)
    found = found_in(BY_NAME["request-head"], head)
    assert found is not None
    assert "another method" in found.error


def test_a_lane_that_takes_a_body_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    head = b"GET /v1/content/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5"
    assert found_in(BY_NAME["lane-head"], head) is None
    monkeypatch.setattr(messages, "is_plain", lambda block: True)
    found = found_in(BY_NAME["lane-head"], head)
    assert found is not None
    assert "too much" in found.error


def test_a_framing_that_ends_a_body_too_early_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Early(Framing):
        def cut(self, data: bytes) -> Iterator[bytes]:
            yield from (data[:-1], data[-1:])

    monkeypatch.setattr(messages, "Framing", Early)
    assert found_in(BY_NAME["chunked"], b"1\r\na\r\n0\r\n\r\n") is not None
