"""Claims about findings."""

from __future__ import annotations

from config.findings import Finding, duplicates


def test_a_name_is_refused_where_it_comes_again() -> None:
    named = [("a[0]", "x"), ("a[1]", "y"), ("b[0]", "x"), ("b[1]", ""), ("b[2]", "")]
    assert list(duplicates(named)) == [
        Finding("b[0]", "'x' is already the name at a[0]", "choose another")
    ]
