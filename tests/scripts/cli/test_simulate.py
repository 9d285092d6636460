from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.cli.main import main

ROWS = "".join(f"{now},{now * 7 % 5},100,{now % 3 * 100}\n" for now in range(400))


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "day.csv"
    path.write_text("time,key,size,offset\n" + ROWS)
    return str(path)


def test_policies_and_sizes_make_a_curve(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["simulate", "--trace", trace, "--policy", "lru,duel", "--policy", "fifo+second"]
    assert main([*command, "--size", "500B,50%", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["requests"], told["footprint_bytes"], told["warmup"]) == (400, 1_500, 0.25)
    points = [(each["policy"], each["cache_bytes"]) for each in told["results"]]
    names = ("lru", "duel", "fifo+second")
    assert points == [(name, size) for size in (500, 750) for name in names]
    for each in told["results"]:
        assert 0 <= each["write_ratio"] <= each["byte_miss_ratio"] <= 1
        assert each.keys() >= {"object_miss_ratio", "origin_ratio", "fraction"}


def test_the_same_is_drawn_for_people(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["simulate", "--trace", trace, "--policy", "lru", "--size", "100%"]
    assert main([*command, "--warmup", "0"]) == 0
    drawn = capsys.readouterr().out
    assert "96.2%" in drawn
    assert "0.0375" in drawn
    assert "lru" in drawn


def test_kinds_are_told_beside_the_whole(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["simulate", "--trace", trace, "--policy", "lru", "--size", "500B"]
    command += ["--share", "/3=0.2", "--share", "/4=0.4"]
    assert main([*command, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["results"]
    kinds = [(each["kind"], each["share_bytes"]) for each in told["kinds"]]
    assert kinds == [("other", 199), ("/3", 100), ("/4", 200)]
    assert sum(each["held_bytes"] for each in told["kinds"]) == 500
    assert main(command) == 0
    drawn = capsys.readouterr().out
    assert "/3" in drawn
    assert drawn.count("holds ") == 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--policy", "belady", "--size", "1kB"], "no policy is called 'belady'; there are lru"),
        (["--policy", "lru+third", "--size", "1kB"], "no admission is called 'third'"),
        (["--policy", "lru", "--size", "1K"], "write 1KiB"),
        (["--policy", "lru", "--size", "x%"], "write a share like 5%"),
        (["--policy", "lru", "--size", "nan%"], "more than nothing"),
        (["--policy", "lru", "--size", "0"], "more than nothing"),
        (["--policy", "lru", "--size", "1kB", "--warmup", "1"], "from 0 up to 1"),
        (["--policy", "lru", "--size", "1kB", "--half-life", "0"], "more than nothing"),
        (["--policy", "lru", "--size", "1kB", "--window", "x"], "expected a duration"),
        (["--policy", "lru", "--size", "1kB", "--block-bytes", "0"], "at least one byte"),
        (["--policy", "lru", "--size", "1kB", "--share", "posters=0.1"], "such as /posters/=0.05"),
        (["--policy", "lru", "--size", "1kB", "--share", "/posters/"], "such as /posters/=0.05"),
        (["--policy", "lru", "--size", "1kB", "--share", "/p/=1"], "from 0 up to 1"),
        (["--policy", "lru", "--size", "1kB", "--share", "/p/=0"], "more than nothing"),
        (["--policy", "lru", "--size", "1kB", *("--share", "/p/=0.5") * 2], "there twice"),
        (
            ["--policy", "lru", "--size", "1kB", "--share", "/p/=0.5", "--share", "/q/=0.5"],
            "0.99 at most",
        ),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_read(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--trace", "/nonexistent", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_missing_trace_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--trace", "/nonexistent", "--policy", "lru", "--size", "1kB"]) == 1
    assert "/nonexistent" in capsys.readouterr().err
