"""Costs as a table for spreadsheets."""

from __future__ import annotations

import csv
import io

from cdnkit.wire import Traffic
from origin.costs.pricing import Cost
from origin.costs.table import write_csv


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_title_has_a_line_of_bytes_and_its_cost() -> None:
    sizes = {kind: number for number, kind in enumerate(Traffic)}
    head, line = read(write_csv([Cost('a "film", in two\nlines', sizes, 0.1)], "title", "EUR"))
    assert head[0] == "title"
    assert head[1:4] == ["edge_bytes", "shield_bytes", "origin_bytes"]
    assert head[-1] == "cost_eur"
    assert line == ['a "film", in two\nlines', "0", "1", "2", "3", "4", "5", "0.100000"]


def test_a_name_is_never_a_formula() -> None:
    sizes = dict.fromkeys(Traffic, 0)
    names = ["=1+1", "+a", "-a", "@a", "\ta"]
    lines = read(write_csv([Cost(name, sizes, 0) for name in names], "title", "EUR"))
    assert [line[0] for line in lines[1:]] == [f"'{name}" for name in names]
