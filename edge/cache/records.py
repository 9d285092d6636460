"""What is written down of an entry, and an entry from what was found.

A record comes from a disk: nothing in it is believed that could not have been written here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from sys import intern
from typing import Any, Final

from cdnkit.fields import Pair
from cdnkit.freshness import Freshness, LifetimeSource
from edge.cache.disk import Disk, FoundObject
from edge.entry import Entry, StoredHead
from edge.http1.fields import parse_fields
from edge.trust import UNMARKED

BLOCKS_MAX: Final = 1 << 23
"""Most blocks of an entry: bounds the memory that one record or one answer can cost."""
_FILES_NAME: Final = re.compile(r"[0-9a-f.]{1,64}\Z")


def record_of(entry: Entry) -> dict[str, Any]:
    """What has to be known to serve the entry after a restart; JSON values only."""
    head = entry.head
    return {
        "key": entry.key.decode("latin-1"),
        "status": head.status,
        "fields": _as_text(head.pairs),
        "request_fields": _as_text(entry.request_pairs),
        "requested_at": head.requested_at,
        "received_at": head.received_at,
        "freshness": {**asdict(head.freshness), "source": head.freshness.source.value},
        "size_bytes": entry.size_bytes,
        "block_bytes": entry.block_bytes,
        "files": entry.files_name,
        **({} if entry.mark == UNMARKED else {"mark": entry.mark}),
    }


def entry_from(found: FoundObject, disk: Disk) -> Entry | None:
    """The entry a record tells of; None when it is not one that `record_of` makes."""
    record = found.entry
    try:
        head = StoredHead(
            _integer(record["status"], 100, 1000),
            _as_pairs(record["fields"]),
            _number(record["requested_at"]),
            _number(record["received_at"]),
            _freshness(record["freshness"]),
        )
        block_bytes = _integer(record["block_bytes"], 1, 1 << 40)
        entry = Entry(
            _text(record["key"]).encode("latin-1"),
            head,
            _integer(record["size_bytes"], 0, block_bytes * BLOCKS_MAX + 1),
            block_bytes,
            _as_pairs(record["request_fields"]),
            disk,
        )
        files_name = _text(record["files"])
        # Few are different, and there are millions of entries.
        entry.mark = intern(_text(record.get("mark", UNMARKED)))
    except (KeyError, TypeError, ValueError):
        return None
    if entry.object_id != found.object_id or _FILES_NAME.match(files_name) is None:
        return None
    entry.files_name = files_name
    return entry


def _freshness(record: dict[str, Any]) -> Freshness:
    return Freshness(
        born_at=_number(record["born_at"]),
        lifetime_seconds=_integer(record["lifetime_seconds"], 0, 1 << 40),
        source=LifetimeSource(record["source"]),
        stale_while_revalidate_seconds=_integer(
            record["stale_while_revalidate_seconds"], 0, 1 << 40
        ),
        stale_if_error_seconds=_integer(record["stale_if_error_seconds"], 0, 1 << 40),
        validate_always=bool(record["validate_always"]),
        never_stale=bool(record["never_stale"]),
    )


def _integer(value: object, start: int, stop: int) -> int:
    if type(value) is not int or not start <= value < stop:
        raise ValueError("not an integer in range")
    return value


def _number(value: object) -> float:
    if type(value) not in (int, float):
        raise ValueError("not a number")
    number = float(value)  # type: ignore[arg-type]
    if not -1e15 < number < 1e15:
        raise ValueError("not a moment")
    return number


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _as_text(pairs: Sequence[Pair]) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in pairs]


def _as_pairs(text: list[list[str]]) -> list[Pair]:
    pairs = [(_text(n).encode("latin-1"), _text(v).encode("latin-1")) for n, v in text]
    if parse_fields(b"\r\n".join(b"%b:%b" % pair for pair in pairs)) != pairs:
        raise ValueError("not fields as an answer has them")
    return pairs
