"""What an operator sees of a running installation, and of one that something was done to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.cli.main import main
from tests.helpers.cluster import Cluster, client
from tests.helpers.processes import wait_until

KEY = "films/a.mp4"
CONTENT = bytes(3_000_000)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("operator")) as cluster:
        cluster.put(KEY, CONTENT)
        yield cluster


def told(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> Any:
    assert main([*words, "--json"]) == code, capsys.readouterr()
    return json.loads(capsys.readouterr().out)


def fetch(cluster: Cluster) -> str:
    """Fetch the film through the router; the edge that sent it."""
    name = cluster.edge_for(KEY)
    with client() as http:
        assert http.get(f"{cluster.router}/{KEY}").content == CONTENT
    wait_until(
        lambda: any(each.get("path") == f"/{KEY}" for each in cluster.access_log(name)),
        "the answer is in the log",
        30,
    )
    return name


@pytest.fixture
def of(cluster: Cluster) -> list[str]:
    return ["--of", str(cluster.topology_path)]


def test_status_finds_all_well_with_what_each_does(
    cluster: Cluster, of: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = fetch(cluster)
    seen: dict[str, Any] = {}

    def counted() -> bool:
        body = told(["status", *of], capsys)
        seen.update({node["name"]: node for node in body["nodes"]})
        return bool(seen[name]["held_bytes"] and seen[name]["hit_ratio"] is not None)

    wait_until(counted, "the edge tells what it holds", 30)
    assert set(seen) == {"origin", "router", *cluster.edges}
    assert {node["version"] for node in seen.values()} == {seen["origin"]["version"]}
    assert seen[name]["held_bytes"] >= len(CONTENT)
    assert {node["state"] for node in seen.values()} == {"ready"}


def test_top_names_the_title_and_the_edges(
    cluster: Cluster, of: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = fetch(cluster)
    (title,) = told(["top", *of, "--window", "3600", "--once"], capsys)["titles"]
    assert (title["title"], title["edges"]) == (KEY, [name])
    assert title["bytes_per_second"] >= len(CONTENT) / 3600
    edges = told(["top", "edges", *of, "--once"], capsys)["edges"]
    assert {edge["name"] for edge in edges} == set(cluster.edges)


def test_logs_of_the_title_come_from_the_edge_that_sent_it(
    cluster: Cluster, of: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = fetch(cluster)
    assert main(["logs", *of, "--title", KEY, "--status", "2xx", "--node", name, "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(each["node"], each["path"]) for each in records} == {(name, f"/{KEY}")}


def test_the_doctor_finds_nothing_wrong_with_what_runs(
    cluster: Cluster, of: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    body = told(["doctor", *of], capsys)
    assert set(body["here"]) == {"origin", "router", *cluster.edges}
    assert [each for each in body["findings"] if each["grave"]] == []


def test_a_drained_edge_is_well_and_a_dead_one_is_not(
    cluster: Cluster, of: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    drained, dead = list(cluster.edges)[:2]
    where = ["--topology", str(cluster.topology_path), "--name", drained]
    assert main(["drain", *where]) == 0
    capsys.readouterr()
    wait_until(lambda: cluster.fleet()[drained] == "draining", "the router knows of the drain", 30)
    nodes = {node["name"]: node for node in told(["status", *of], capsys)["nodes"]}
    assert nodes[drained]["notes"] == ["drained: takes no new viewers"]
    assert main(["undrain", *where]) == 0
    wait_until(lambda: cluster.fleet()[drained] == "up", "the router takes it back", 30)
    cluster.kill(dead)
    wait_until(
        lambda: cluster.fleet()[dead] in ("down", "slow"), "the router knows of the death", 30
    )
    capsys.readouterr()
    body = told(["status", *of], capsys, code=1)
    ailing = {node["name"]: node["troubles"] for node in body["nodes"] if not node["well"]}
    assert set(ailing) == {dead}
    assert ailing[dead][0].startswith("does not answer")
    assert ailing[dead][1].startswith("router router sends nobody: ")


def test_a_file_that_nobody_goes_by_is_noticed(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "topology.yaml"
    other.write_text(cluster.topology_path.read_text() + "\n# edited\n")
    body = told(["status", "--of", str(other)], capsys, code=1)
    origin = next(node for node in body["nodes"] if node["name"] == "origin")
    assert any("goes by another topology" in each for each in origin["troubles"])


def test_the_doctor_finds_an_origin_that_edges_do_not_reach(
    cluster: Cluster, of: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Last: the origin does not come back."""
    cluster.kill("origin")
    body = told(["doctor", *of], capsys, code=1)
    grave = {(each["check"], each["subject"]) for each in body["findings"] if each["grave"]}
    alive = {name for name in cluster.edges if cluster.is_running(name)}
    assert {("upstreams", name) for name in alive} | {("processes", "origin")} <= grave
