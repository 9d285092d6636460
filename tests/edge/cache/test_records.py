"""A record survives a restart as it was; one that could not have been written makes no entry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.fields import FieldLines
from cdnkit.freshness import CDN, assess
from edge.cache.disk import Disk, FoundObject
from edge.cache.records import BLOCKS_MAX, entry_from, record_of
from edge.entry import Entry, StoredHead

PAIRS = [(b"etag", b'"x"'), (b"content-type", b"video/mp4"), (b"cache-control", b"max-age=60")]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def disk() -> Iterator[Disk]:
    made = Disk(Path("/nonexistent"), 1 << 30)
    yield made
    made.threads.shutdown()


def an_entry(disk: Disk) -> Entry:
    freshness = assess(200, FieldLines(PAIRS), 1000.0, 1001.5, CDN)
    head = StoredHead(200, PAIRS, 1000.0, 1001.5, freshness)
    entry = Entry(b"/films/a.mp4", head, 1_000_000, 65536, [(b"accept", b"*/*")], disk)
    entry.files_name = f"{entry.version}.0badcafe.1f"
    return entry


def found(entry: Entry, record: dict[str, Any]) -> FoundObject:
    return FoundObject(entry.object_id, json.loads(json.dumps(record)), {})


def test_what_was_written_down_is_the_same_entry_again(disk: Disk) -> None:
    entry = an_entry(disk)
    again = entry_from(found(entry, record_of(entry)), disk)
    assert again is not None
    assert record_of(again) == record_of(entry)
    assert again.head == entry.head
    assert again.version == entry.version
    assert again.is_rangeable


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "/another"),
        ("key", 7),
        ("status", True),
        ("status", 2000),
        ("fields", [["etag"]]),
        ("fields", [["etag", 'x"\r\nSet-Cookie: a=b']]),
        ("fields", [[1, 2]]),
        ("size_bytes", -1),
        ("size_bytes", 65536 * BLOCKS_MAX + 1),
        ("block_bytes", 0),
        ("block_bytes", 1.5),
        ("received_at", "now"),
        ("received_at", 1e300),
        ("freshness", []),
        ("freshness", {"source": "max-age"}),
        ("files", "../../etc/passwd"),
        ("files", ""),
        ("mark", None),
    ],
)
def test_a_record_that_was_not_written_here_makes_no_entry(
    disk: Disk, name: str, value: object
) -> None:
    entry = an_entry(disk)
    assert entry_from(found(entry, {**record_of(entry), name: value}), disk) is None


def test_a_record_without_one_of_its_names_makes_no_entry(disk: Disk) -> None:
    entry = an_entry(disk)
    record = record_of(entry)
    for name in record:
        assert (
            entry_from(found(entry, {k: v for k, v in record.items() if k != name}), disk) is None
        )


@pytest.mark.parametrize("mark", ["", "0f3a"])
def test_a_record_says_when_its_entry_was_found_good(disk: Disk, mark: str) -> None:
    entry = an_entry(disk)
    entry.mark = mark
    record = record_of(entry)
    assert ("mark" in record) == bool(mark)
    again = entry_from(found(entry, record), disk)
    assert again is not None
    assert again.mark == mark


@given(st.data())
def test_no_record_makes_anything_but_an_entry_or_nothing(disk: Disk, data: st.DataObject) -> None:
    entry = an_entry(disk)
    record = record_of(entry)
    for name in data.draw(st.sets(st.sampled_from(sorted(record)), min_size=1)):
        record[name] = data.draw(JSON)
    again = entry_from(FoundObject(entry.object_id, record, {}), disk)
    assert again is None or again.key == entry.key
