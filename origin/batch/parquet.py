"""Rows as Parquet files: the columns of a snapshot, and parts that are never held in memory whole.

A part grows in a temporary file and goes to its place when it is full or the rows end; its digest
is that of the bytes that went.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import IO, Final

import pyarrow as pa
from pyarrow import parquet

from origin.batch.destination import CHUNK_BYTES, Destination
from origin.batch.manifest import Part
from origin.batch.source import Rows

PART_ROWS: Final = 500_000
"""Of a part: some 15 MB of a log."""

ACTIVITY: Final = pa.schema(
    [
        ("number", pa.int64()),
        ("event", pa.string()),
        ("kind", pa.string()),
        ("at", pa.float64()),
        ("account", pa.string()),
        ("profile", pa.string()),
        ("title", pa.string()),
        ("region", pa.string()),
        ("position_seconds", pa.float64()),
        ("watched_seconds", pa.float64()),
        ("value", pa.float64()),
        ("words", pa.string()),
    ]
)
TITLES: Final = pa.schema(
    [
        ("title", pa.string()),
        ("name", pa.string()),
        ("genre", pa.string()),
        ("genres", pa.list_(pa.string())),
        ("year", pa.int32()),
        ("age", pa.int32()),
        ("duration_seconds", pa.float64()),
        ("version", pa.int64()),
    ]
)


async def write_parts(
    destination: Destination,
    folder: str,
    schema: pa.Schema,
    pages: AsyncIterator[Rows],
    part_rows: int = PART_ROWS,
) -> tuple[Part, ...]:
    """Write pages as `folder/part-00000.parquet` and so on; at least one part, may be empty.

    Raises UnavailableError, StorageFullError.
    """
    written: list[Part] = []
    spool = _Spool(schema)
    try:
        async for page in pages:
            spool.add(pa.Table.from_pylist(list(page), schema=schema))
            if spool.rows >= part_rows:
                written.append(spool.send(destination, _part_path(folder, len(written))))
                spool = _Spool(schema)
        if spool.rows or not written:
            written.append(spool.send(destination, _part_path(folder, len(written))))
    finally:
        spool.close()
    return tuple(written)


def write_batches(
    destination: Destination, path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> Part:
    """Write what an engine gives as one file. Raises UnavailableError, StorageFullError."""
    spool = _Spool(schema)
    try:
        for batch in batches:
            spool.add(pa.Table.from_batches([batch]).cast(schema))
        return spool.send(destination, path)
    finally:
        spool.close()


def _part_path(folder: str, number: int) -> str:
    return f"{folder}/part-{number:05}.parquet"


class _Spool:
    """A part that is not full yet."""

    def __init__(self, schema: pa.Schema) -> None:
        self.rows = 0
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="cinedge-part-")  # noqa: SIM115
        self._writer = parquet.ParquetWriter(self._file, schema, compression="zstd")

    def add(self, rows: pa.Table) -> None:
        """Take rows in, as a row group of their own."""
        self._writer.write_table(rows)
        self.rows += rows.num_rows

    def send(self, destination: Destination, path: str) -> Part:
        """Write the part to its place, and say what went."""
        self._writer.close()
        digest = hashlib.sha256()
        size_bytes = self._file.seek(0, 2)
        self._file.seek(0)
        destination.put(path, self._chunks(digest.update))
        self.close()
        return Part(path, self.rows, size_bytes, digest.hexdigest())

    def close(self) -> None:
        """Let the temporary file go."""
        self._writer.close()
        self._file.close()

    def _chunks(self, note: Callable[[bytes], object]) -> Iterator[bytes]:
        while chunk := self._file.read(CHUNK_BYTES):
            note(chunk)
            yield chunk
