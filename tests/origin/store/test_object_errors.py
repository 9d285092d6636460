"""Every refusal of an S3 service becomes the error a caller can act on."""

from __future__ import annotations

import pytest
from obstore.exceptions import AlreadyExistsError, GenericError, PermissionDeniedError

from cdnkit.errors import (
    CinedgeError,
    ConflictError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
)
from origin.store.object_errors import telling, translate


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError("404"), NotFoundError),
        (AlreadyExistsError("412"), ConflictError),
        (PermissionDeniedError("403"), UnavailableError),
        (GenericError("error sending request"), UnavailableError),
        (GenericError("Server returned 507 Insufficient Storage"), StorageFullError),
        (GenericError("<Code>QuotaExceeded</Code>"), StorageFullError),
        (ConnectionResetError(), UnavailableError),
    ],
)
def test_refusal_is_translated(error: Exception, expected: type[CinedgeError]) -> None:
    assert type(translate(error, "a")) is expected
    with pytest.raises(expected, match="films/a"), telling("films/a"):
        raise error


def test_secrets_of_the_service_stay_out_of_the_answer() -> None:
    assert "AKIA" not in translate(GenericError("AKIA..."), "a").detail


def test_our_own_errors_pass() -> None:
    with pytest.raises(ConflictError, match="mine"), telling("a"):
        raise ConflictError("mine")
