"""The printed tables."""

from __future__ import annotations

from scripts.benchmark.report import format_number, lay_out, report
from tests.scripts.benchmark.results_of import some_results


def test_a_report_has_medians_ratios_and_conditions() -> None:
    text = report(some_results())
    assert "W1: whole 4 KiB objects" in text
    assert "times better than nginx: CPU us/request 1.75 (1.50-2.00)" in text
    assert "commit 0123abc+" in text
    assert "load average 0.50 -> 1.25" in text
    assert text.endswith("scripts/bench --quick")
    assert "ERRORS" not in text


def test_errors_are_shouted() -> None:
    results = some_results()
    results.add("W1", "nginx", {"errors": 2})
    assert "ERRORS: W1 nginx: 2" in report(results)


def test_columns_line_up() -> None:
    assert lay_out([["", "b"], ["long", "1,234"]]) == "          b\nlong  1,234"
    assert format_number(1234.5, 1) == "1,234.5"
    assert format_number(None, 1) == "-"
