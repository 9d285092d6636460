"""Small files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, content: bytes, aside_suffix: str = ".aside") -> None:
    """Write a file aside and rename it, so that no reader meets a part of it; blocks.

    A crash of the process leaves the old file or the new one; nothing is synced. Raises OSError.
    """
    aside = path.with_suffix(aside_suffix)
    aside.write_bytes(content)
    aside.replace(path)
