"""What can go wrong with an upload over many requests, beyond what every upload may meet."""

from __future__ import annotations

from typing import Final

from cdnkit.errors import (
    BadRequestError,
    CinedgeError,
    ConflictError,
    Fault,
    PreconditionFailedError,
    StorageFullError,
)

_TYPES: Final = "https://iana.org/assignments/http-problem-types"
CHECKSUM_STATUS: Final = 460


class SupersededError(ConflictError):
    """A newer request goes on with the upload; this one is over."""

    code = "superseded"


class MismatchingOffsetError(ConflictError):
    """The request begins elsewhere than the upload ends (draft-ietf-httpbis-resumable-upload)."""

    code = "mismatching-upload-offset"

    def __init__(self, expected: int, provided: int) -> None:
        super().__init__(
            f"the upload goes on at {expected}, not at {provided}",
            **{"expected-offset": expected, "provided-offset": provided},
        )
        self.expected = expected

    @classmethod
    def type_uri(cls) -> str:
        return f"{_TYPES}#{cls.code}"

    def headers(self) -> dict[str, str]:
        return {"Upload-Offset": str(self.expected), "Upload-Complete": "?0"}


class InconsistentLengthError(BadRequestError):
    """Two requests announce different lengths of one upload."""

    code = "inconsistent-upload-length"

    @classmethod
    def type_uri(cls) -> str:
        return f"{_TYPES}#{cls.code}"


class ChecksumError(BadRequestError):
    """The bytes of one request are not those announced; they were dropped (tus: 460)."""

    code = "checksum-mismatch"


class GoneError(CinedgeError):
    """There was such an upload; it was cancelled, has expired or was refused for good."""

    status = 410
    code = "gone"
    fault = Fault.CLIENT


class VersionError(PreconditionFailedError):
    """A version of tus that is not spoken here, or none."""

    code = "tus-version"

    def headers(self) -> dict[str, str]:
        return {"Tus-Version": "1.0.0"}


class QuotaError(StorageFullError):
    """The unfinished uploads of one access token take all it may have."""

    code = "quota-exceeded"
    fault = Fault.CLIENT
