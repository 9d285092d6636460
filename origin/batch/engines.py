"""Who evaluates the expressions of the generator: one contract, and DuckDB in this process.

DuckDB reads files of this machine, takes at most the memory it is given, and spills the rest to a
temporary folder. Spark is the other body (`origin.batch.spark`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from cdnkit.errors import BadRequestError, UnavailableError

ENGINES: Final = ("duckdb", "spark")
BATCH_ROWS: Final = 50_000
_MEMORY: Final = "4GB"


class Engine(Protocol):
    """Evaluates expressions over Parquet files."""

    name: str
    schemes: frozenset[str]
    """Of the addresses it reads by itself; "" is a path of this machine."""

    def table(self, name: str, urls: Sequence[str]) -> Table:
        """Files of one schema as a table. Raises UnavailableError."""

    def keep(self, name: str, expression: Table) -> Table:
        """Evaluate now, and give the rows as a table: for what is used more than once."""

    def batches(self, expression: Table) -> Iterator[pa.RecordBatch]:
        """Evaluate, and give the rows a batch at a time. Raises UnavailableError."""

    def close(self) -> None:
        """End it with all that it keeps."""


class DuckDb:
    """The engine that is always there."""

    name = "duckdb"
    schemes = frozenset({""})

    def __init__(self, memory: str = _MEMORY) -> None:
        self._spill = tempfile.TemporaryDirectory(prefix="cinedge-duckdb-")
        self._connection = ibis.duckdb.connect(memory_limit=memory, temp_directory=self._spill.name)

    def table(self, name: str, urls: Sequence[str]) -> Table:
        return self._connection.read_parquet(list(urls), table_name=name)

    def keep(self, name: str, expression: Table) -> Table:
        return self._connection.create_table(name, expression, temp=True)

    def batches(self, expression: Table) -> Iterator[pa.RecordBatch]:
        # Not by Ibis 12: it asks for a method that DuckDB 2 has no more.
        rows = self._connection.con.sql(self._connection.compile(expression))
        yield from rows.to_arrow_reader(BATCH_ROWS)

    def close(self) -> None:
        self._connection.disconnect()
        self._spill.cleanup()


def open_engine(name: str) -> Engine:
    """The engine of a name. Raises BadRequestError, UnavailableError."""
    if name == "duckdb":
        return DuckDb()
    if name != "spark":
        raise BadRequestError(f"{name!r} is no engine: {' or '.join(ENGINES)}")
    try:
        from origin.batch.spark import open_spark
    except ModuleNotFoundError as error:
        raise UnavailableError(f"{error.name} is missing: pip install 'cinedge[spark]'") from error
    return open_spark()
