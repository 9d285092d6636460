"""Targets that read what disks, other workers and other machines of ours say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from cdnkit.fields import FieldLines
from edge.box.says import format_says, parse_says
from edge.cache.disk import Disk, FoundObject
from edge.cache.records import entry_from, record_of
from edge.entry import name_of
from edge.hop import Hop, HopRefusedError, format_hop, parse_hop
from edge.orders import NOT_UNDERSTOOD
from edge.purging import parse_purge
from edge.warming import parse_warm
from scripts.fuzz.target import Target, require

_DISK: Final = Disk(Path("nowhere"), 1)
_KEY: Final = b"a key between edges, 32 bytes ok"


def read_record(data: bytes) -> None:
    """A record of a cache directory: an entry that is written the same way, or none."""
    record = json.loads(data)
    if not isinstance(record, dict):
        raise ValueError
    key = record.get("key")
    name = name_of(key.encode("latin-1")) if isinstance(key, str) and _is_latin(key) else ""
    entry = entry_from(FoundObject(name, record, {}), _DISK)
    if entry is not None:
        again = json.loads(json.dumps(record_of(entry)))
        require(
            entry_from(FoundObject(entry.object_id, again, {}), _DISK) is not None, "round trip"
        )


def _is_latin(text: str) -> bool:
    return all(ord(character) < 256 for character in text)


def read_words(data: bytes) -> None:
    """What other workers and edges say."""
    fields = FieldLines([(b"cinedge-owner", data)])
    says = parse_says(fields)
    if says is not None and says.entry is not None:
        line = format_says(says).partition(b": ")[2].strip()
        require(parse_says(FieldLines([(b"cinedge-owner", line)])) == says, "round trip")


def read_hop(data: bytes) -> None:
    """A forged hop is refused."""
    hop = parse_hop(data, b"/a", {"k1": _KEY})
    require(format_hop(hop, b"/a", "k1", _KEY) == data, "what was not signed is believed")


def read_order(data: bytes) -> None:
    """An order of a journal; who follows it asks first whether it is an object."""
    detail = json.loads(data)
    if not isinstance(detail, dict):
        raise ValueError

    def targets_of(key: str) -> list[bytes]:
        return [key.encode("latin-1", "replace")]

    parse: Any
    for parse in (parse_purge, parse_warm):
        try:
            parse(detail, targets_of)
        except NOT_UNDERSTOOD:
            continue


_RECORD: Final = json.dumps(
    {
        "key": "/films/a",
        "status": 200,
        "fields": [["etag", '"a"'], ["cache-control", "max-age=60"]],
        "request_fields": [],
        "requested_at": 1.5,
        "received_at": 2.5,
        "freshness": {
            "born_at": 1.0,
            "lifetime_seconds": 60,
            "source": "max-age",
            "stale_while_revalidate_seconds": 0,
            "stale_if_error_seconds": 0,
            "validate_always": False,
            "never_stale": False,
        },
        "size_bytes": 1000,
        "block_bytes": 65536,
        "files": "ab.0",
    }
).encode()
_ORDER: Final = (
    b'{"order":"o","keys":["a"],"prefixes":["b/"],"tags":["t"],"all":false,"soft":true,'
    b'"refresh_per_second":1.5,"usable_seconds":5}',
    b'{"order":"o","objects":[{"key":"a","stop_bytes":null}],"bytes_per_second":1,"concurrency":2}',
)
_JSON: Final = (
    *(b"null", b"true", b"1e999", b"-Infinity", b"NaN", b"[]", b"{}", b'""', b'"\\ud800"', b"-1"),
    *(b"[" * 2000, b'{"a":' * 500, b"1" * 5000, b'"key":', b'"\\u0000"', b"0.1"),
)
_HOP: Final = format_hop(Hop("e1", "e2", 2_000_000_000, (1, 2)), b"/a", "k1", _KEY)
TARGETS: Final = (
    Target("record", read_record, [_RECORD], _JSON, (ValueError, RecursionError)),
    Target("worker-words", read_words,
           [b"outcome=miss; reason=cold; status=206; collapsed; entry=12; at=400; held",
            b"outcome=hit; forward=stale"],
           (b"; ", b"=", b"outcome=", b"entry=", b"held", b"-1"), (KeyError, ValueError)),
    Target("hop", read_hop, [_HOP], (b" ", b"k1", b"-", b",", b"e1"), (HopRefusedError,)),
    Target("order", read_order, _ORDER, _JSON, (ValueError, RecursionError)),
)  # fmt: skip
