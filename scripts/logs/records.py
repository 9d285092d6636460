"""Records of access logs: reading a line, and choosing by what it says.

Pure. docs/operating/observability.md says which facts a record has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cdnkit.titles import key_of, title_of

Record = dict[str, Any]
_STATUS: Final = re.compile(r"[1-5](?:[0-9]{2}|xx)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a record has to be; an empty member asks for nothing."""

    title: str = ""
    status: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    client: str = ""
    slower_than_ms: float = 0.0

    def takes(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is wanted."""
        return (
            (not self.title or is_of_title(str(record.get("path", "")), self.title))
            and (not self.status or any(_has_status(record, each) for each in self.status))
            and (not self.node or record.get("node") in self.node)
            and (not self.outcome or record.get("outcome") in self.outcome)
            and (not self.reason or record.get("reason") in self.reason)
            and (not self.client or record.get("client") == self.client)
            and float(record.get("duration_ms", 0.0)) >= self.slower_than_ms
        )


def parse_record(line: str) -> Record | None:
    """The record of a line; None for what is no line of an access log."""
    try:
        record = json.loads(line)
        seconds_of(record)
    except (ValueError, KeyError, TypeError):
        return None
    return record if isinstance(record, dict) else None


def seconds_of(record: Mapping[str, Any]) -> float:
    """When the request ended. Raises ValueError, KeyError, TypeError."""
    return datetime.fromisoformat(record["time"]).timestamp()


def weight_of(record: Mapping[str, Any]) -> float:
    """How many answers a record stands for: more than one where the log keeps a share of them."""
    share = record.get("sample", 1.0)
    return 1.0 / share if isinstance(share, int | float) and 0 < share <= 1 else 1.0


def is_status(text: str) -> bool:
    """Whether `text` is a status, 404, or a class of them, 5xx."""
    return _STATUS.fullmatch(text) is not None


def is_of_title(path: str, title: str) -> bool:
    """Whether a path belongs to a title, an object key or a folder of keys (with a slash last)."""
    key = key_of(path)
    return title in (title_of(path), key) or (title.endswith("/") and key.startswith(title))


def _has_status(record: Mapping[str, Any], wanted: str) -> bool:
    status = str(record.get("status", ""))
    return status == wanted or (wanted.endswith("xx") and status[:1] == wanted[0])
