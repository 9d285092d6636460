"""One family of errors: what a caller may do about it, whose fault it is, and how HTTP says so.

A class exists only where a caller acts differently on it. Status, fault and retryability are
attributes of the class, so that a server answers without a table of its own (RFC 9457 bodies are
made by `problem`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar


class Fault(enum.Enum):
    """Who has to change something for the call to succeed."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    OURS = "ours"


class CinedgeError(Exception):
    """Root of the family. `detail` is one sentence for the person who reads the answer."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    fault: ClassVar[Fault] = Fault.OURS
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra: Mapping[str, Any] = extra

    @classmethod
    def type_uri(cls) -> str:
        """The `type` of the problem: ours, or one that a standard has registered."""
        return f"urn:cinedge:problem:{cls.code}"

    def headers(self) -> dict[str, str]:
        """Fields that belong to the answer besides the problem body."""
        return {}


class BadRequestError(CinedgeError):
    """The message itself is wrong; repeating it cannot help."""

    status = 400
    code = "bad-request"
    fault = Fault.CLIENT


class BadKeyError(BadRequestError):
    """An object key outside the grammar of `cdnkit.keys`."""

    code = "bad-key"


class DigestMismatchError(BadRequestError):
    """The bytes received are not the bytes announced (RFC 9530)."""

    code = "digest-mismatch"


class IncompleteBodyError(BadRequestError):
    """The body ended before its announced length."""

    code = "incomplete-body"
    retryable = True


class MisaddressedError(BadRequestError):
    """The head of a request says where it goes in a way that has no one meaning.

    Where the next request of the connection begins is then not sure either: it has to be closed.
    """

    code = "misaddressed"


class UnauthorizedError(CinedgeError):
    """No credentials, or none we know."""

    status = 401
    code = "unauthorized"
    fault = Fault.CLIENT

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class ForbiddenError(CinedgeError):
    """Known credentials that do not allow this."""

    status = 403
    code = "forbidden"
    fault = Fault.CLIENT


class NotFoundError(CinedgeError):
    """Nothing has this name."""

    status = 404
    code = "not-found"
    fault = Fault.CLIENT


class ConflictError(CinedgeError):
    """The state of the thing does not allow this now."""

    status = 409
    code = "conflict"
    fault = Fault.CLIENT


class PreconditionFailedError(CinedgeError):
    """If-Match, If-None-Match or If-Unmodified-Since says no (RFC 9110 13.1)."""

    status = 412
    code = "precondition-failed"
    fault = Fault.CLIENT


class TooLargeError(CinedgeError):
    """Larger than the limit named in `extra["limit_bytes"]`."""

    status = 413
    code = "too-large"
    fault = Fault.CLIENT


class MediaTypeError(CinedgeError):
    """The Content-Type of the request is none that this takes (RFC 9110 15.5.16)."""

    status = 415
    code = "unsupported-media-type"
    fault = Fault.CLIENT


class UpstreamError(CinedgeError):
    """The tier above failed, answered nonsense, or could not be reached."""

    status = 502
    code = "upstream-failed"
    fault = Fault.UPSTREAM
    retryable = True


class UpstreamTimeoutError(UpstreamError):
    """The tier above did not answer in time."""

    status = 504
    code = "upstream-timeout"


class UnavailableError(CinedgeError):
    """We cannot do it now; `retry_after_seconds` says when to come back."""

    status = 503
    code = "unavailable"
    retryable = True

    def __init__(self, detail: str, retry_after_seconds: int = 5, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after_seconds = retry_after_seconds

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_seconds)}


class StorageFullError(CinedgeError):
    """No volume has room (RFC 4918 11.5)."""

    status = 507
    code = "storage-full"
    retryable = True


def problem(error: CinedgeError, instance: str | None = None) -> dict[str, Any]:
    """The members of an application/problem+json body (RFC 9457 3)."""
    body: dict[str, Any] = {
        "type": error.type_uri(),
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        **error.extra,
    }
    if instance is not None:
        body["instance"] = instance
    return body
