"""Errors as problem+json."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from cdnkit.errors import TooLargeError, UnauthorizedError, UnavailableError
from cdnkit.service.problems import (
    plain_problem,
    problem_response,
    refusal_code,
    refusal_response,
)


def body_of(response: web.Response) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    decoded: dict[str, Any] = json.loads(response.body)
    return decoded


def test_an_error_of_ours_says_all_it_knows() -> None:
    response = problem_response(TooLargeError("Too much.", limit_bytes=9), "r1")
    assert response.status == 413
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert body_of(response) == {
        "type": "urn:cinedge:problem:too-large",
        "title": "Request Entity Too Large",
        "status": 413,
        "detail": "Too much.",
        "limit_bytes": 9,
        "instance": "urn:request:r1",
    }


def test_fields_of_the_error_are_in_the_answer() -> None:
    assert problem_response(UnavailableError("Later.", 7), "r").headers["Retry-After"] == "7"
    assert problem_response(UnauthorizedError("Who?"), "r").headers["WWW-Authenticate"] == "Bearer"


def test_extra_facts_that_json_does_not_know_are_written_as_text() -> None:
    assert body_of(problem_response(TooLargeError("x", path={1}), "r"))["path"] == "{1}"


def test_a_wrong_method_keeps_allow_and_says_what_is_allowed() -> None:
    response = refusal_response(web.HTTPMethodNotAllowed("PUT", ["GET", "HEAD"]), "r")
    assert response.headers["Allow"] == "GET,HEAD"
    assert body_of(response)["detail"] == "PUT is not possible here; allowed: GET, HEAD."


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (web.HTTPNotFound(), "not-found"),
        (web.HTTPRequestEntityTooLarge(5, 9), "request-entity-too-large"),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), "method-not-allowed"),
        (web.HTTPMisdirectedRequest(), "misdirected-request"),
    ],
)
def test_refusals_of_the_framework_have_codes_of_the_same_kind(
    error: web.HTTPException, code: str
) -> None:
    assert refusal_code(error) == code
    assert body_of(refusal_response(error, "r"))["type"] == f"urn:cinedge:problem:{code}"


def test_a_redirect_stays_one() -> None:
    response = refusal_response(web.HTTPFound("/there"), "r")
    assert (response.status, response.headers["Location"]) == (302, "/there")


def test_a_problem_without_an_exception() -> None:
    body = body_of(plain_problem(400, "bad-request", "No.", "r"))
    assert (body["status"], body["detail"]) == (400, "No.")


def test_an_unknown_status_still_has_a_title() -> None:
    assert body_of(plain_problem(599, "odd", "Odd.", "r"))["title"] == "Error"
