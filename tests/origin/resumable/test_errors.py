"""Errors of uploads as the protocols want them told."""

from __future__ import annotations

import pytest

from cdnkit.errors import CinedgeError, problem
from origin.resumable import errors


def test_a_wrong_offset_is_told_with_the_right_one() -> None:
    error = errors.MismatchingOffsetError(7, 9)
    body = problem(error)
    assert body["type"].endswith("http-problem-types#mismatching-upload-offset")
    assert (body["expected-offset"], body["provided-offset"], body["status"]) == (7, 9, 409)
    assert error.headers() == {"Upload-Offset": "7", "Upload-Complete": "?0"}


def test_lengths_have_the_type_of_the_draft() -> None:
    body = problem(errors.InconsistentLengthError("two lengths"))
    assert body["type"].endswith("http-problem-types#inconsistent-upload-length")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.SupersededError("x"), 409),
        (errors.GoneError("x"), 410),
        (errors.VersionError("x"), 412),
        (errors.QuotaError("x"), 507),
        (errors.ChecksumError("x"), 400),
    ],
)
def test_each_has_its_status_and_a_body(error: CinedgeError, status: int) -> None:
    assert problem(error)["status"] == error.status == status


def test_tus_is_told_which_version_is_spoken() -> None:
    assert errors.VersionError("x").headers() == {"Tus-Version": "1.0.0"}
