"""What was true before: numbered copies of a topology file, and who changed it when with what end.

The folder stands beside the file. A copy is written before the change it belongs to begins, and a
line of the journal when it begins and when it ends, so that one that was cut short can be told.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cdnkit.errors import ConflictError
from scripts.cli.errors import UsageError

BEGAN: Final = "began"
DONE: Final = "done"
ROLLED_BACK: Final = "rolled back"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Record:
    """One change: `number` names the copy that was to be true; `why` tells of a failure."""

    number: int
    at: str
    who: str
    outcome: str
    why: str = ""


class History:
    """Of the topology file `running`."""

    def __init__(self, running: Path) -> None:
        self._folder = running.with_name(f"{running.stem}.history")
        self._journal = self._folder / "journal.jsonl"

    def records(self) -> list[Record]:
        """Every change, the oldest first, each as it stands: its last line counts."""
        if not self._journal.exists():
            return []
        latest: dict[int, Record] = {}
        for line in self._journal.read_text().splitlines():
            fields = json.loads(line)
            latest[fields["number"]] = Record(**fields)
        return [latest[number] for number in sorted(latest)]

    def current(self) -> int | None:
        """The number of the last change that was done."""
        done = [record.number for record in self.records() if record.outcome == DONE]
        return done[-1] if done else None

    def before_current(self) -> int:
        """The number to go back to when none is given. Raises UsageError."""
        done = [record.number for record in self.records() if record.outcome == DONE]
        if len(done) < 2:
            raise UsageError("there is nothing to go back to: no change was made before this one")
        return done[-2]

    def copy_of(self, number: int) -> Path:
        """The file of a number. Raises UsageError."""
        path = self._path(number)
        if not path.exists():
            known = ", ".join(str(record.number) for record in self.records()) or "none"
            raise UsageError(f"there is no change {number}; there are: {known}")
        return path

    def begin(self, content: bytes, found: bytes, at: str, who: str) -> int:
        """Keep the copy of a change that begins; what was found before the first is kept as 1."""
        self._folder.mkdir(parents=True, exist_ok=True)
        numbers = [record.number for record in self.records()]
        if not numbers:
            write_whole(self._path(1), found)
            self.note(Record(1, at, who, DONE, "as it was found"))
            numbers = [1]
        number = numbers[-1] + 1
        write_whole(self._path(number), content)
        self.note(Record(number, at, who, BEGAN))
        return number

    def note(self, record: Record) -> None:
        """Add a line, for good."""
        fields: Mapping[str, Any] = {
            name: getattr(record, name) for name in ("number", "at", "who", "outcome", "why")
        }
        with self._journal.open("a") as journal:
            journal.write(json.dumps(fields, ensure_ascii=False) + "\n")
            journal.flush()
            os.fsync(journal.fileno())

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:04}.yaml"


@contextmanager
def changing(running: Path, who: str, at: str) -> Iterator[None]:
    """Be the only one who changes this topology. Raises ConflictError with who does already.

    The kernel drops the lock with the process, so a crash leaves nothing to clean up.
    """
    with running.with_name(f"{running.stem}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "somebody"
            raise ConflictError(f"{running} is being changed by {holder}") from None
        lock.truncate(0)
        lock.write(f"{who} since {at} (process {os.getpid()})\n")
        lock.flush()
        yield


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step, so that no reader and no crash sees half of it."""
    aside = path.with_name(f".{path.name}.part")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
