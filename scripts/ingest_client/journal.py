"""What a client remembers of an upload that is not finished: one small file, replaced as a whole.

A later run of the same file to the same key finds the parts it has begun. A file that was changed
meanwhile is another upload. A lock keeps two runs from sending the same file against each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from scripts.cli.errors import FailedError
from scripts.ingest_client.plan import Span

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """Which bytes go where; anything else is another upload."""

    origin: str
    key: str
    file: str
    size_bytes: int
    modified_ns: int
    extent_bytes: int


@dataclass(slots=True)
class Remembered:
    """The parts of an upload, and where on the origin each of them is."""

    batch: str
    spans: list[Span]
    locations: dict[int, str] = field(default_factory=dict)


def default_folder(environ: Mapping[str, str]) -> Path:
    """Where uploads are remembered."""
    cache = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "cinedge" / "ingest"


class Journal:
    """The memory of one upload."""

    def __init__(self, folder: Path, subject: Subject) -> None:
        self._subject = asdict(subject)
        words = "\0".join((subject.origin, subject.key, subject.file))
        name = hashlib.sha256(words.encode()).hexdigest()[:32]
        self._path = folder / f"{name}.json"

    def load(self, spans: list[Span]) -> tuple[Remembered, bool]:
        """What was begun, True beside it, or a new upload in these spans."""
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            found = json.loads(self._path.read_text(encoding="utf-8"))
            if (found["version"], found["subject"]) == (_VERSION, self._subject):
                remembered = Remembered(
                    str(found["batch"]),
                    [Span(int(start), int(stop)) for start, stop in found["spans"]],
                    {int(at): str(url) for at, url in found["locations"].items()},
                )
                return remembered, True
        return Remembered(secrets.token_hex(8), spans), False

    def save(self, remembered: Remembered) -> None:
        """Remember; whole or not at all. Raises OSError."""
        document = {
            "version": _VERSION,
            "subject": self._subject,
            "batch": remembered.batch,
            "spans": [[span.start, span.stop] for span in remembered.spans],
            "locations": remembered.locations,
        }
        aside = self._path.with_suffix(".new")
        aside.write_text(json.dumps(document, indent=1), encoding="utf-8")
        os.replace(aside, self._path)

    def forget(self) -> None:
        """The upload is finished."""
        self._path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the upload for this run. Raises FailedError when another one has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise FailedError(f"{self._subject['file']} is being sent already") from None
            yield
