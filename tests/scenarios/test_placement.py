"""A plan is given, fetched in its hours by real edges, and reported on from their logs."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from origin.placement.document import Document, EdgeRow, FilmRow, PlacedObject, format_document
from origin.placement.planner import Reason
from scripts.cli.main import main
from tests.helpers.cluster import Cluster, client
from tests.helpers.processes import wait_until

MIB = 1 << 20
EDGE, KEY = "edge-fra", "films/placed.mp4"
FILM = random.Random(8).randbytes(4 * MIB)


def plan_of(from_at: float, until_at: float, key: str = KEY, stop: int = 2 * MIB) -> Document:
    """The first half of the film on one edge."""
    objects = (PlacedObject(key, stop),)
    film = FilmRow("placed", len(FILM), stop, 0, 1_000, Reason.WANTED, objects)
    row = EdgeRow(EDGE, from_at, until_at, 100 * MIB, 8 * MIB, 8 * MIB, 1.0, (film,))
    return Document(time.time(), "s", MIB, (row,))


def test_what_is_placed_is_there_before_anybody_asks_and_its_use_is_told(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.put(KEY, FILM, "video/mp4")
    file, now = tmp_path / "placement.json", time.time()
    file.write_bytes(format_document(plan_of(now - 10, now + 600)))
    assert main(["plan", "give", str(file), "--at", cluster.origin, "--json"]) == 0
    orders = json.loads(capsys.readouterr().out)
    assert [(each["edge"], each["kind"]) for each in orders] == [(EDGE, "pin"), (EDGE, "warm")]
    with client() as http:
        where = f"{cluster.origin}/v1/warms/{orders[1]['order']}"
        wait_until(lambda: http.get(where).json()["state"] == "done", "it is fetched")
        progress = http.get(where).json()["edges"][0]["progress"]
        assert progress["bytes"] == 2 * MIB
        answer = http.get(f"{cluster.edges[EDGE]}/{KEY}", headers={"Range": "bytes=5-2097151"})
    assert answer.content == FILM[5 : 2 * MIB]
    assert "; hit" in answer.headers["Cache-Status"]
    assert main(["plan", "give", str(file), "--at", cluster.origin]) == 2
    assert "--again" in capsys.readouterr().err

    log = tmp_path / "edge.jsonl"
    wait_until(
        lambda: any(KEY in line["path"] for line in cluster.access_log(EDGE)), "it is logged"
    )
    log.write_text("\n".join(map(json.dumps, cluster.access_log(EDGE))) + "\n")
    # As on the day after: hours that are over.
    given = plan_of(now - 3600, now - 60)
    file.write_bytes(format_document(given))
    assert main(["plan", "report", str(file), "--log", str(log), "--json"]) == 0
    (edge,) = json.loads(capsys.readouterr().out)["edges"]
    assert (edge["edge"], edge["films"][0]["used_bytes"]) == (EDGE, 2 * MIB - 5)
    assert main(["plan", "report", str(file), "--log", str(log)]) == 0
    assert "placed" in capsys.readouterr().out


def test_an_edge_that_dies_at_night_goes_on_with_its_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, now = tmp_path / "placement.json", time.time()
    plan = plan_of(now - 10, now + 3600, stop=4 * MIB)
    slow = replace(plan.edges[0], bytes_per_second=MIB // 2)
    file.write_bytes(format_document(replace(plan, edges=(slow,))))
    with Cluster(tmp_path) as cluster, client() as http:
        cluster.put(KEY, FILM, "video/mp4")
        assert main(["plan", "give", str(file), "--at", cluster.origin, "--json"]) == 0
        where = f"{cluster.origin}/v1/warms/{json.loads(capsys.readouterr().out)[1]['order']}"

        def standing() -> tuple[str, int]:
            (edge,) = http.get(where).json()["edges"]
            return edge["state"], edge.get("progress", {}).get("bytes", 0)

        wait_until(lambda: standing()[1] >= MIB, "it has begun")
        cluster.kill(EDGE)
        cluster.start("edge", EDGE)
        wait_until(lambda: standing()[0] == "done", "it is fetched", 60)
        answer = http.get(f"{cluster.edges[EDGE]}/{KEY}")
    assert answer.content == FILM
    assert "; hit" in answer.headers["Cache-Status"]


def test_hours_that_are_over_are_refused_before_anything_is_ordered(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, now = tmp_path / "placement.json", time.time()
    file.write_bytes(format_document(plan_of(now - 3600, now - 60)))
    assert main(["plan", "give", str(file), "--at", cluster.origin]) == 1
    assert "make a new plan" in capsys.readouterr().err
    assert json.loads(file.read_text())["given_at"] == 0
