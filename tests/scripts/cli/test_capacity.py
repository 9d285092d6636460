"""Claims about `cinedge capacity`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.cli.capacity import read_measured
from scripts.cli.errors import FailedError, UsageError
from scripts.cli.main import main

_DEMAND = """\
peak_bytes_per_second: 10GB
catalogue: {titles: 1000, title_bytes: 1GB}
servers:
  - {name: small, bytes_per_second: 1GB, disk_bytes: 100GB, monthly_price: 10}
  - {name: large, bytes_per_second: 10GB, disk_bytes: 1TB, monthly_price: 1000}
"""
_TOPOLOGY = """\
sites: [{name: fra, latitude: 50, longitude: 8}]
edges:
  - {name: e1, site: fra, listen: "127.0.0.1:1", disks: [{path: a, size_bytes: 100GB}]}
routes: [{upstream: ["http://127.0.0.1:8000"]}]
"""


@pytest.fixture
def demand(tmp_path: Path) -> str:
    path = tmp_path / "demand.yaml"
    path.write_text(_DEMAND)
    return str(path)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return value


def test_without_a_demand_it_reckons_the_paper(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capacity", "--json"]) == 0
    servers = {each["server"]: each["servers"] for each in told(capsys)["choices"]}
    assert servers == {"ssd-1": 30_000, "ssd-2": 15_000, "nvme-50": 600}


def test_tables_arithmetic_and_curve_are_printed(
    demand: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["capacity", "--demand", demand]) == 0
    shown = capsys.readouterr().out
    assert "servers of a site in everywhere = 10 GB/s / (1 GB/s) = 10" in shown
    assert "cheapest" in shown
    assert "small *" in shown


def test_one_kind_can_be_named(demand: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capacity", "--demand", demand, "--server", "large", "--json"]) == 0
    assert told(capsys)["chosen"] == "large"
    assert main(["capacity", "--demand", demand, "--server", "lage"]) == 2
    assert "did you mean 'large'?" in capsys.readouterr().err


def test_a_topology_with_too_few_edges_ends_with_one(
    demand: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topology = tmp_path / "topology.yaml"
    topology.write_text(_TOPOLOGY)
    words = ["capacity", "--demand", demand, "--topology", str(topology)]
    assert main([*words, "--server", "small"]) == 1
    assert "10 short" in capsys.readouterr().out
    assert main([*words, "--server", "large"]) == 0


def test_the_picture_is_written(demand: str, tmp_path: Path) -> None:
    picture = tmp_path / "cost.svg"
    assert main(["capacity", "--demand", demand, "--svg", str(picture)]) == 0
    assert picture.read_text().startswith("<svg ")
    assert main(["capacity", "--demand", demand, "--svg", str(tmp_path / "no" / "a.svg")]) == 1


def test_hit_ratios_of_a_simulation_are_taken(
    demand: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "day.csv"
    rows = "".join(f"{now},{now * 7 % 5},100,{now % 3 * 100}\n" for now in range(400))
    trace.write_text("time,key,size,offset\n" + rows)
    assert (
        main(["simulate", "--trace", str(trace), "--policy", "lru", "--size", "20%,100%", "--json"])
        == 0
    )
    result = tmp_path / "lru.json"
    result.write_text(capsys.readouterr().out)
    assert main(["capacity", "--demand", demand, "--simulated", str(result), "--json"]) == 0
    ratios = {each["hit_ratio"] for each in told(capsys)["curve"]}
    assert max(ratios) == pytest.approx(read_measured(result).points[-1][1])
    with open(demand, "a") as more:
        more.write("shield_disk_bytes: 1TB\n")
    assert main(["capacity", "--demand", demand, "--simulated", str(result)]) == 2
    assert "leave them out" in capsys.readouterr().err


def test_a_measured_curve_never_falls(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    points = [(0.5, 0.5), (0.1, 0.4), (1.0, 0.6)]
    results = [{"policy": "lru", "fraction": f, "byte_miss_ratio": m} for f, m in points]
    path.write_text(json.dumps({"results": results}))
    assert read_measured(path).points == ((0.1, 0.6), (0.5, 0.6), (1.0, 0.6))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "is not what"),
        ("x", "is not what"),
        ('{"results": [3]}', "is not what"),
        ('{"results": []}', "no policy: simulate one"),
    ],
)
def test_what_is_no_simulation_is_refused(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        read_measured(path)
    with pytest.raises(FailedError, match="nothing"):
        read_measured(tmp_path / "nothing")


def test_the_example_is_a_demand_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capacity", "--example"]) == 0
    path = tmp_path / "demand.yaml"
    path.write_text(capsys.readouterr().out)
    assert main(["capacity", "--demand", str(path), "--json"]) == 0


def test_mistakes_in_a_demand_end_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "demand.yaml"
    path.write_text(_DEMAND.replace("titles", "tittles"))
    assert main(["capacity", "--demand", str(path)]) == 2
    assert f"{path}:2:13: catalogue.tittles: unknown setting" in capsys.readouterr().err
