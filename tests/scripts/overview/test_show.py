"""Claims about the table of all tiers."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from scripts.overview.judging import judge
from scripts.overview.show import as_json, rate, table_of, told_of
from tests.scripts.overview.seen import DIGEST, EDGE, edge, router


def test_a_process_has_a_line() -> None:
    screen = Console(file=io.StringIO(), width=160)
    held: tuple[str, dict[str, str], float] = ("cinedge_edge_held_bytes", {}, 500.0)
    rows = judge([edge(EDGE, held, load=1.5, streams=3), router(e1="up")], DIGEST)
    screen.print(table_of(rows)[0])
    assert isinstance(screen.file, io.StringIO)
    head, first, second = screen.file.getvalue().splitlines()
    assert head.split()[:4] == ["tier", "name", "site", "state"]
    assert first.split()[:6] == ["edge", "e1", "fra", "ready", "1.50", "3"]
    assert "500 bytes 50%" in first
    assert second.split()[:3] == ["router", "r1", "ready"]


@pytest.mark.parametrize(("width", "left_out"), [(80, ("site", "streams", "version")), (120, ())])
def test_no_cell_is_cut_off_on_a_screen_of(width: int, left_out: tuple[str, ...]) -> None:
    screen = Console(file=io.StringIO(), width=width)
    held: tuple[str, dict[str, str], float] = ("cinedge_edge_held_bytes", {}, 4e11)
    first = judge([edge(EDGE, held, load=1.5, streams=3, egress_bits_per_second=12.3e9)], DIGEST)
    row = replace(first[0], name="frankfurt-edge-01", site="frankfurt", held_bytes=4e11)
    row = replace(row, disk_bytes=10**12, hit_ratio=0.987, version="0.1.0")
    table, said = table_of([row], width)
    screen.print(table)
    assert isinstance(screen.file, io.StringIO)
    lines = screen.file.getvalue().splitlines()
    assert said == left_out
    assert len(lines) == 2
    cells = ["frankfurt-edge-01", "ready", "1.50", "12.3 Gbit/s", "98.7%", "400.0 GB 40%"]
    cells += ["frankfurt", "0.1.0"] if width == 120 else []
    assert all(cell in lines[1] for cell in cells)
    assert "…" not in lines[1]


def test_what_no_screen_has_room_for_goes_on_in_the_next_line() -> None:
    screen = Console(file=io.StringIO(), width=40)
    row = replace(judge([edge(EDGE)], DIGEST)[0], name="a-name-longer-than-any-screen-is-wide-" * 2)
    screen.print(table_of([row], 40)[0])
    assert isinstance(screen.file, io.StringIO)
    shown = screen.file.getvalue()
    assert "…" not in shown
    names = "".join(line.split(" ")[0] for line in shown.splitlines()[1:])
    assert names == row.name


def test_what_is_wrong_comes_before_what_is_worth_knowing() -> None:
    rows = judge([edge(status="draining"), router(e1="down")], DIGEST)
    assert [str(line) for line in told_of(rows)] == [
        "e1: router r1 sends nobody: down, why",
        "r1: has no edge to send viewers to",
        "e1: drained: takes no new viewers",
    ]


def test_text_of_others_is_no_markup() -> None:
    screen = Console(file=io.StringIO(), width=160)
    rows = judge([edge(status="failing", checks={"x": "[bold]a[/bold]"})], DIGEST)
    for line in told_of(rows):
        screen.print(line)
    assert isinstance(screen.file, io.StringIO)
    assert "x: [bold]a[/bold]" in screen.file.getvalue()


def test_json_says_whether_all_is_well() -> None:
    rows = judge([edge(), router(e1="up")], DIGEST)
    told = json.loads(json.dumps(as_json(rows, DIGEST)))
    assert told["well"] is True
    assert [node["name"] for node in told["nodes"]] == ["e1", "r1"]
    assert as_json(judge([edge(load=2)], DIGEST), DIGEST)["well"] is False


@pytest.mark.parametrize(
    ("bits", "shown"),
    [
        (None, "-"),
        (0, "0 bit/s"),
        (999, "999 bit/s"),
        (1.5e9, "1.5 Gbit/s"),
        (3e15, "3e+03 Tbit/s"),
    ],
)
def test_rates_are_written_as_network_people_do(bits: float | None, shown: str) -> None:
    assert rate(bits) == shown
