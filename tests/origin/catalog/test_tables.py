"""The tables can be made on both databases, and keep what must outlast an object."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateTable

from origin.catalog import tables


@pytest.mark.parametrize("make_dialect", [sqlite.dialect, postgresql.dialect])
@pytest.mark.parametrize("table", tables.metadata.sorted_tables, ids=lambda table: table.name)
def test_table_can_be_written_for_the_dialect(
    table: sa.Table, make_dialect: Callable[[], Dialect]
) -> None:
    assert table.name in str(CreateTable(table).compile(dialect=make_dialect()))


def test_sequences_of_the_journal_are_never_used_again() -> None:
    text = str(CreateTable(tables.changes).compile(dialect=sqlite.dialect()))
    assert "AUTOINCREMENT" in text
