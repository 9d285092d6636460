"""The two ways a sub-command ends badly, by exit code; `scripts.cli.main` prints and exits."""

from __future__ import annotations


class UsageError(Exception):
    """What was asked for cannot be understood or is not allowed: exit 2."""


class FailedError(Exception):
    """It was understood and did not work: exit 1."""
