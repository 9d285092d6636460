"""Secrets from outside of a topology file: an environment variable, or a file that one names.

`NAME` holds the secret itself, or `NAME_FILE` the path of a file that does, as container engines
and service managers put secrets in place. Nothing here repeats what it has read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

FILE_SUFFIX: Final = "_FILE"
SECRET_BYTES_MAX: Final = 64 * 1024


class SecretError(Exception):
    """A secret cannot be had; `hint` says how to mend it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def secret_of(variable: str, environ: Mapping[str, str]) -> str:
    """What the environment holds under a name, by value or by file. Raises SecretError.

    Blanks and line ends around what a file holds are no part of it.
    """
    by_file = variable + FILE_SUFFIX
    value, path = environ.get(variable, ""), environ.get(by_file, "")
    if value and path:
        raise SecretError(
            f"environment variables {variable!r} and {by_file!r} are both set", "unset one of them"
        )
    if value:
        return value
    if not path:
        raise SecretError(
            f"environment variable {variable!r} is not set",
            f"set it before the start, or {by_file} to the path of a file that holds the secret",
        )
    return _read(Path(path), by_file)


def _read(path: Path, variable: str) -> str:
    """The secret in a file; the bound keeps a wrong path from being read whole."""
    try:
        with open(path, "rb") as file:
            content = file.read(SECRET_BYTES_MAX + 1)
    except OSError as error:
        raise SecretError(
            f"{str(path)!r}, which {variable!r} names, cannot be read: {error.strerror or error}",
            "put the file there, readable for the user of this process",
        ) from error
    if len(content) > SECRET_BYTES_MAX:
        raise SecretError(
            f"{str(path)!r}, which {variable!r} names, is longer than any secret",
            "name the file that holds the secret alone",
        )
    try:
        secret = content.decode().strip()
    except UnicodeDecodeError as error:
        raise SecretError(
            f"{str(path)!r}, which {variable!r} names, is no UTF-8 text",
            "write binary keys as base64url",
        ) from error
    if not secret:
        raise SecretError(
            f"{str(path)!r}, which {variable!r} names, is empty", "write the secret into it"
        )
    return secret
