"""Which title a path belongs to, as logs, counters and costs tell films apart. Pure."""

from __future__ import annotations

from typing import Final

from cdnkit.tokens.where import split_token_path

_PACKAGES: Final = "play/"
"""Files of one packaged title stand under `play/TITLE/REVISION/`."""
NAME_LENGTH_MAX: Final = 256
"""Longer names are counted without a title: every one of them costs memory and a row."""


def key_of(path: str) -> str:
    """The object key in a path: without token, query and first slash."""
    return split_token_path(path.partition("?")[0])[1].removeprefix("/")


def title_of(path: str) -> str:
    """What films are told apart by: the title of a packaged file, else the object key."""
    key = key_of(path)
    if key.startswith(_PACKAGES):
        title, slash, _ = key.removeprefix(_PACKAGES).partition("/")
        return title if slash else key
    return key


def counted_title(path: str) -> str:
    """The title that bytes of a path count for; empty when its name is too long."""
    title = title_of(path)
    return title if len(title) <= NAME_LENGTH_MAX else ""
