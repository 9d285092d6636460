"""What an S3 service refuses, in the words of our own errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import AlreadyExistsError, BaseError

from cdnkit.errors import (
    CinedgeError,
    ConflictError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
)

_FULL: Final = ("507 ", "QuotaExceeded", "StorageFull", "XMinioStorageFull", "no space left")
"""S3 has no code for a full service; these are what its bodies say."""


def translate(error: Exception, what: str) -> CinedgeError:
    """The error to raise instead; `what` is the first half of its sentence."""
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"{what}: it is not in the object store")
    if isinstance(error, AlreadyExistsError):
        return ConflictError(f"{what}: it exists")
    text = str(error)
    if any(word in text for word in _FULL):
        return StorageFullError(f"{what}: the object store is full")
    return UnavailableError(f"{what}: the object store does not answer as it should")


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Turn what the client library raises inside into errors of ours."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise translate(error, what) from error
