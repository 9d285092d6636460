"""Costs of titles over real processes: what edges report is what their access logs say.

Three edges that share, of two workers each, a shield and an origin.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from cdnkit.titles import counted_title
from scripts.cli.main import main
from tests.helpers.cluster import Cluster
from tests.helpers.processes import wait_until
from tests.scenarios.test_tiers import MIB, TOKEN, one_site

FILMS = {
    f"films/{name}.mp4": random.Random(name).randbytes(size)
    for name, size in (("one", 5 * MIB + 7), ("two", 3 * MIB + 1), ("warm", 2 * MIB), ("due", MIB))
}
PRICES = {"edge_terabyte": 1e6, "origin_terabyte": 3e6}


def priced(document: dict[str, Any]) -> None:
    one_site(document)
    document["costs"] = {"currency": "USD", "report_seconds": 1, "traffic_prices": PRICES}


def rows(site: Cluster, by: str = "title") -> dict[str, dict[str, Any]]:
    said = httpx.get(f"{site.origin}/v1/costs", params={"by": by}).raise_for_status().json()
    return {row["key"]: row for row in said["items"]}


def logged(site: Cluster, name: str) -> Counter[str]:
    """Bytes of each title in a log."""
    sums: Counter[str] = Counter()
    for line in site.access_log(name):
        served = line["outcome"] not in ("own", "error") and line["status"] < 400
        sums[counted_title(line["path"]) if served else ""] += line["bytes"]
    return sums


def watch(site: Cluster) -> None:
    one, two = list(FILMS)[:2]
    for url in site.edges.values():
        if url == site.edges["shield"]:
            continue
        for key in (one, two, one):
            answer = httpx.get(f"{url}/~{TOKEN}/{key}", timeout=60)
            assert answer.content == FILMS[key]
        with httpx.Client() as again:
            for start in range(20):
                lines = {"Range": f"bytes={start}-{start + 99_999}"}
                path = f"{url}/~{TOKEN}/{one}?CMCD=bl%3D{start}00"
                assert again.get(path, headers=lines).status_code == 206
            again.head(f"{url}/~{TOKEN}/{two}")
            assert again.get(f"{url}/~{TOKEN}/films/made/up").status_code == 404
            assert again.get(f"{url}/{one}").status_code == 403


def order_warm(site: Cluster) -> None:
    edge = next(name for name in site.edges if name != "shield")
    for key, hours in (("films/warm.mp4", {}), ("films/due.mp4", {"until_at": 4e9})):
        body = {"object": key, "edges": [edge], **hours}
        told = httpx.post(f"{site.origin}/v1/warm", json=body).raise_for_status().json()
        wait_until(partial(is_done, f"{site.origin}/v1/warms/{told['id']}"), "it is warm")


def is_done(order: str) -> bool:
    return bool(httpx.get(order).json()["state"] == "done")


def left_origin(site: Cluster, title: str) -> int:
    lines = [line for line in site.access_log("origin") if line["method"] == "GET"]
    return sum(int(line["bytes"]) for line in lines if line["path"].endswith(title))


def test_costs_are_the_bytes_of_the_logs_and_a_kill_takes_back_nothing(
    tmp_path: Path, capsys: Any
) -> None:
    with Cluster(tmp_path, priced) as site:
        for key, film in FILMS.items():
            site.put(key, film, "video/mp4")
        watch(site)
        order_warm(site)

        def all_is_told() -> bool:
            sent: Counter[str] = Counter()
            for name in site.edges:
                sent.update(logged(site, name))
            told = {key: row["edge_bytes"] + row["shield_bytes"] for key, row in rows(site).items()}
            return all(told.get(title) == sent[title] for title in FILMS)

        wait_until(all_is_told, "every title has the bytes of the logs", 40)
        by_title = rows(site)
        assert by_title["films/warm.mp4"]["fill_warm_bytes"] >= 2 * MIB
        assert by_title["films/due.mp4"]["fill_placement_bytes"] >= MIB
        assert by_title[""]["edge_bytes"] > 0
        assert not any("made/up" in title for title in by_title)

        before = rows(site, "edge")
        killed, *watched = [name for name in site.edges if name != "shield"]
        watched.append("shield")
        site.kill(killed)
        for name in watched:
            site.processes[name].process.terminate()
        for name in watched:
            site.processes[name].process.wait(30)
        by_edge, by_title = rows(site, "edge"), rows(site)
        for name in watched:
            row, log = by_edge[name], sum(logged(site, name).values())
            assert row["edge_bytes"] + row["shield_bytes"] == log, name
        assert by_edge[killed]["edge_bytes"] >= before[killed]["edge_bytes"] > 10 * MIB

        for title, film in FILMS.items():
            # More than once where an edge did not wait for another, never more than was sent.
            assert len(film) <= by_title[title]["origin_bytes"] <= left_origin(site, title)

        total = sum(row["edge_bytes"] for row in by_title.values())
        cost = sum(row["cost"] for row in by_title.values())
        fetched = sum(row["origin_bytes"] for row in by_title.values())
        assert abs(cost - (total * 1e6 + fetched * 3e6) / 1e12) < 1e-3

        table = tmp_path / "costs.csv"
        command = ["costs", "--of", str(site.topology_path), "--csv", str(table)]
        assert main(command) == 0
        assert "films/one.mp4" in capsys.readouterr().out
        assert table.read_text().startswith("title,edge_bytes,shield_bytes")
