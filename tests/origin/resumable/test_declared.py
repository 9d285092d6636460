"""What is declared of uploads covers the errors that uploads have."""

from __future__ import annotations

import inspect

import pytest

from cdnkit.errors import CinedgeError
from cdnkit.service.operations import Operation, operation_of
from origin.resumable import declared, errors
from origin.resumable.handlers import ResumableUploads
from origin.resumable.rules import KEPT_FIELDS
from origin.uploads import Uploads


def declaration(handler: object) -> Operation:
    found = operation_of(handler)
    assert found is not None
    return found


@pytest.mark.parametrize("handler", [ResumableUploads.patch, ResumableUploads.post, Uploads.put])
def test_every_error_of_uploads_is_declared(handler: object) -> None:
    own = {
        each
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, CinedgeError) and each.__module__ == errors.__name__
    }
    assert own <= set(declaration(handler).problems)
    assert errors.CHECKSUM_STATUS in declaration(handler).answers


def test_only_what_is_offered_is_told_without_a_token() -> None:
    handlers = [each for _, each in inspect.getmembers(ResumableUploads, inspect.isfunction)]
    free = [op.summary for op in map(operation_of, handlers) if op is not None and not op.scope]
    assert free == ["What is offered; needs no token."]
    assert declaration(ResumableUploads.head).scope == declared.SCOPE


def test_fields_that_count_at_publication_are_described() -> None:
    described = {
        name.lower()
        for handler in (ResumableUploads.post, Uploads.put)
        for name in declaration(handler).fields
    }
    assert set(KEPT_FIELDS) <= described
