"""An account has one operation under way, and no column holds anything of a card."""

from __future__ import annotations

from origin.domains.payments.tables import entitlements, events, operations, subscriptions


def test_account_has_one_operation_under_way() -> None:
    (unique,) = [index for index in operations.indexes if index.unique]
    assert [column.name for column in unique.columns] == ["running"]


def test_no_column_is_for_a_card() -> None:
    tables = (entitlements, events, operations, subscriptions)
    names = {column.name for table in tables for column in table.columns}
    assert not {name for name in names if "card" in name or "number" in name or "cvc" in name}
