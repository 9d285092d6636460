from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from cdnkit.errors import (
    BadKeyError,
    CinedgeError,
    ConflictError,
    Fault,
    TooLargeError,
    UnauthorizedError,
    UnavailableError,
    problem,
)


def _family(root: type[CinedgeError] = CinedgeError) -> Iterator[type[CinedgeError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == "cdnkit.errors":
            yield from _family(child)


every_class = pytest.mark.parametrize("error_class", list(_family()), ids=lambda c: c.__name__)


@every_class
def test_status_says_the_same_as_the_fault(error_class: type[CinedgeError]) -> None:
    assert error_class.status in {status.value for status in HTTPStatus}
    expected = {
        Fault.CLIENT: range(400, 500),
        Fault.UPSTREAM: range(502, 505),
        Fault.OURS: range(500, 600),
    }
    assert error_class.status in expected[error_class.fault]


@every_class
def test_code_is_a_word_for_machines(error_class: type[CinedgeError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error_class.code)


def test_no_two_classes_share_a_code() -> None:
    codes = [error_class.code for error_class in _family()]
    assert len(codes) == len(set(codes))


@every_class
def test_problem_body_is_json_and_names_everything(error_class: type[CinedgeError]) -> None:
    error = error_class("Something is wrong.", place="here")
    body = json.loads(json.dumps(problem(error, instance="urn:request:1")))
    assert body == {
        "type": f"urn:cinedge:problem:{error_class.code}",
        "title": HTTPStatus(error_class.status).phrase,
        "status": error_class.status,
        "detail": "Something is wrong.",
        "place": "here",
        "instance": "urn:request:1",
    }


def test_problem_without_instance_has_no_such_member() -> None:
    assert "instance" not in problem(ConflictError("x"))


def test_message_is_the_detail() -> None:
    assert str(BadKeyError("the key is empty")) == "the key is empty"


def test_only_refusals_that_need_fields_carry_them() -> None:
    assert UnauthorizedError("x").headers() == {"WWW-Authenticate": "Bearer"}
    assert UnavailableError("x").headers() == {"Retry-After": "5"}
    assert UnavailableError("x", retry_after_seconds=60).headers() == {"Retry-After": "60"}
    assert TooLargeError("x", limit_bytes=5).headers() == {}


def test_extra_members_reach_the_reader() -> None:
    assert problem(TooLargeError("x", limit_bytes=5))["limit_bytes"] == 5
