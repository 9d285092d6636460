"""DuckDB for the expressions of the generator."""

from __future__ import annotations

import ibis
import pytest
from ibis.expr.types import Table

from tests.origin.batch.generator.rows import Rows, RowsOf


@pytest.fixture(scope="session")
def rows_of() -> RowsOf:
    """What an expression comes to."""
    connection = ibis.duckdb.connect()

    def evaluate(expression: Table) -> Rows:
        found: Rows = connection.to_pyarrow(expression).to_pylist()
        return found

    return evaluate
