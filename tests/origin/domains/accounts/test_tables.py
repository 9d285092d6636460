"""Addresses are unique; nothing refers to a row by a foreign key."""

from __future__ import annotations

from origin.catalog.tables import metadata
from origin.domains.accounts import tables


def test_an_address_has_one_account() -> None:
    (index,) = tables.accounts.indexes
    assert index.unique
    assert [column.name for column in index.columns] == ["address"]


def test_tables_are_the_catalogs_and_stand_alone() -> None:
    ours = (tables.accounts, tables.profiles, tables.sessions, tables.revocations,
            tables.session_keys, tables.mailed_tokens, tables.attempts)  # fmt: skip
    for table in ours:
        assert metadata.tables[table.name] is table
        assert not table.foreign_keys
