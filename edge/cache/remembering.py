"""What the rules of a worker have learned, on its disks: written once a minute, read at a start.

A file that is damaged is passed over: the rule learns anew, as it would on an empty disk. Where
another number of workers comes, each takes out of all files what it will own.
"""

from __future__ import annotations

import asyncio
import re
from array import array
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from edge.cache.disk import Disk
from edge.cache.keeping import Keeping, shelf_of_number
from edge.cache.policy.learned import Learned, format_learned, parse_learned, strongest
from edge.cache.shelves import ALL_SHELVES
from edge.whole_file import write_whole

SNAPSHOT_SECONDS: Final = 60.0
_TOGETHER_SECONDS: Final = 10 * SNAPSHOT_SECONDS
"""Files of workers that wrote together are so far apart at most; older ones are of other lives."""
_RECORD_BYTES_MAX: Final = 64 << 20
_FILE: Final = re.compile(r"learned(-[0-9a-f]{2}-[0-9a-f]{2})?")

_log = structlog.get_logger("edge.remembering")


def learned_name(shelves: range) -> str:
    """Name of the file of the worker that owns these shelves."""
    if shelves == ALL_SHELVES:
        return "learned"
    return f"learned-{shelves.start:02x}-{shelves.stop - 1:02x}"


class Remembering:
    """Of one worker. Call `load` before the first entry is found, and `save` last of all."""

    def __init__(self, keeping: Keeping, now: Callable[[], float]) -> None:
        self._keeping = keeping
        self._now = now

    async def load(self) -> None:
        """Let the rules go on from what was written down."""
        loop = asyncio.get_running_loop()
        for disk, index in self._keeping.by_disk():
            learned = await loop.run_in_executor(disk.threads, partial(_read, disk))
            if learned:
                index.relearn(learned, self._now())
                titles = sum(len(each.numbers) for each in learned.values())
                _log.info("remembered", disk=str(disk.path), titles=titles)

    async def run(self) -> None:
        """Write down what was learned, again and again, until cancelled."""
        while True:
            await asyncio.sleep(SNAPSHOT_SECONDS)
            await self.save()

    async def save(self) -> None:
        """Write down what was learned until now."""
        loop = asyncio.get_running_loop()
        for disk, index in self._keeping.by_disk():
            learned = index.learned(self._now())
            if not learned:
                continue
            try:
                await loop.run_in_executor(disk.threads, partial(_write, disk, learned))
            except OSError as error:
                _log.warning("not written down", disk=str(disk.path), error=repr(error))


def _write(disk: Disk, learned: Mapping[str, Learned]) -> None:
    record = format_learned({kind: strongest(each) for kind, each in learned.items()})
    write_whole(disk.path / learned_name(disk.shelves), record, ".new")


def _read(disk: Disk) -> dict[str, Learned]:
    """What was learned of a disk by its last owners: by us, or by those that we take over from."""
    written = {
        each: each.stat().st_mtime for each in disk.path.iterdir() if _FILE.fullmatch(each.name)
    }
    newest = max(written.values(), default=0.0)
    last = [each for each, at in written.items() if at >= newest - _TOGETHER_SECONDS]
    own = disk.path / learned_name(disk.shelves)
    found = _parsed(own) if own in last else None
    if found is not None:
        return found
    learned: dict[str, Learned] = {}
    for part in filter(None, map(_parsed, sorted(last))):
        for kind, each in part.items():
            mine = _of_shelves(each, disk.shelves)
            learned[kind] = _joined(learned[kind], mine) if kind in learned else mine
    return learned


def _parsed(path: Path) -> dict[str, Learned] | None:
    try:
        with open(path, "rb") as file:
            record = file.read(_RECORD_BYTES_MAX + 1)
        return parse_learned(record)
    except (OSError, ValueError) as error:
        _log.warning("what was learned cannot be read", file=str(path), error=repr(error))
        return None


def _of_shelves(learned: Learned, shelves: range) -> Learned:
    titles = [
        (number, score, blocks)
        for number, score, blocks in zip(
            learned.numbers, learned.scores, learned.blocks, strict=True
        )
        if shelf_of_number(number) in shelves
    ]
    return replace(
        learned,
        numbers=array("Q", [number for number, _, _ in titles]),
        scores=array("f", [score for _, score, _ in titles]),
        blocks=array("I", [blocks for _, _, blocks in titles]),
    )


def _joined(one: Learned, other: Learned) -> Learned:
    """Titles of both; the curve and the contest of one, which all have seen alike."""
    return replace(
        one,
        numbers=one.numbers + other.numbers,
        scores=one.scores + other.scores,
        blocks=one.blocks + other.blocks,
    )
