from __future__ import annotations

from cdnkit.errors import UpstreamError, UpstreamTimeoutError
from edge.upstream.failures import (
    REACTIONS,
    FailedError,
    Failure,
    LateError,
    failed_with,
    is_passing_failure,
    is_worth_another,
    reaction_to,
)


def test_every_failure_has_a_row() -> None:
    assert {row for row in REACTIONS if isinstance(row, Failure)} == set(Failure)


def test_what_is_our_own_fault_blames_nobody() -> None:
    for failure in (Failure.BUSY, Failure.CLOSING):
        assert not REACTIONS[failure].blame
    assert not REACTIONS[Failure.CLOSING].elsewhere


def test_a_failure_of_one_request_is_no_failure_of_the_upstream() -> None:
    for status in (200, 206, 304, 404, 416, 500, 501):
        assert status not in REACTIONS


def test_taking_too_long_is_a_gateway_timeout_and_any_other_failure_a_bad_gateway() -> None:
    late = LateError(Failure.SILENT, "late")
    assert isinstance(late, UpstreamTimeoutError)
    assert (late.status, late.code, late.failure) == (504, "upstream-timeout", Failure.SILENT)
    assert FailedError(Failure.CUT, "cut").status == 502


def test_an_error_without_a_kind_counts_as_a_cut() -> None:
    assert reaction_to(UpstreamError("?")) == REACTIONS[Failure.CUT]
    assert reaction_to(LateError(Failure.BUSY, "?")) == REACTIONS[Failure.BUSY]


def test_a_question_is_worth_another_unless_that_took_too_long_or_nothing_would_change() -> None:
    for failure in (Failure.CUT, Failure.MALFORMED, Failure.UNREACHABLE):
        assert is_worth_another(FailedError(failure, "?"))
    for failure in (Failure.SILENT, Failure.BUSY):
        assert not is_worth_another(LateError(failure, "?"))
    assert not is_worth_another(FailedError(Failure.CLOSING, "?"))
    passing = {
        status for status in (200, 404, 429, 500, 502, 503, 504) if is_passing_failure(status)
    }
    assert passing == {500, 502, 503}


def test_a_shared_failure_keeps_its_kind() -> None:
    assert [failed_with(status).status for status in (500, 502, 503, 504)] == [502, 502, 502, 504]
