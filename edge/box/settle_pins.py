"""Pins of a cache directory, each in the file of the worker that will own what is pinned.

What another number of workers kept is put together and dealt out anew. A file that cannot be read
is set aside and said to be so, not lost. The new files are on the disk before the old ones go: cut
off in between, the next start does the same again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from edge.cache.pins import Pins, pins_name
from edge.cache.shelves import owner_of, shelves_of
from edge.entry import name_of

_FILE: Final = re.compile(r"pins(-[0-9a-f]{2}-[0-9a-f]{2})?")


def settle_pins(path: Path, folders: Sequence[Path], workers: int) -> None:
    """Deal out what is pinned in `path`, and in `folders` of workers. Raises OSError."""
    names = [pins_name(shelves_of(number, workers)) for number in range(workers)]
    kept = [each for each in sorted(path.iterdir()) if _FILE.fullmatch(each.name)]
    kept += [folder / "pins" for folder in folders if (folder / "pins").exists()]
    if all(each.parent == path and each.name in names for each in kept):
        return
    dealt = [Pins(path / name) for name in names]
    for each in kept:
        found = Pins(each)
        if not found.load():
            _set_aside(each, path)
            continue
        for target in found.targets():
            for first, stop in found.ranges_of(target):
                dealt[owner_of(name_of(target), workers)].add(target, first, stop)
    for pins in dealt:
        pins.save(pins.to_bytes())
    for each in kept:
        if each.parent == path and each.name not in names:
            each.unlink(missing_ok=True)


def _set_aside(file: Path, path: Path) -> None:
    aside = path / f"{file.parent.name}-{file.name}.unreadable"
    file.rename(aside)
    structlog.get_logger("edge.box").error(
        "the pins cannot be read, so nothing of them is pinned", file=str(aside)
    )
