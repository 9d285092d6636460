"""Claims about the errors of sub-commands."""

from __future__ import annotations

from scripts.cli.errors import FailedError, UsageError


def test_the_two_ends_are_told_apart() -> None:
    assert not issubclass(UsageError, FailedError)
    assert not issubclass(FailedError, UsageError)
