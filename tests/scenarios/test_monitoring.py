"""A real Prometheus watches real processes with what `cinedge topology export` prints."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from config.monitoring.dashboard import PANELS
from scripts.demo_topology import free_ports
from tests.helpers.cluster import ROOT, Cluster
from tests.helpers.processes import Running, wait_until

CINEDGE = (sys.executable, "-m", "scripts.cli.main")
ALERTS = ROOT / "config" / "monitoring" / "alerts.yaml"
_NAME = re.compile(r"\b(?:cinedge|process)_[a-z_]+")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def expressions() -> list[str]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    of_alerts = [rule["expr"] for rule in group["rules"]]
    return of_alerts + [query for panel in PANELS for query, _ in panel.queries]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that may be broken."""
    with Cluster(tmp_path_factory.mktemp("watched")) as cluster:
        yield cluster


def exported(cluster: Cluster, kind: str) -> str:
    words = [*CINEDGE, "topology", "export", kind, str(cluster.topology_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_every_name_in_alerts_and_dashboard_is_told_by_some_process(watched: Cluster) -> None:
    document = yaml.safe_load(exported(watched, "prometheus"))
    (job,) = document["scrape_configs"]
    known: set[str] = set()
    for each in job["static_configs"]:
        (target,) = each["targets"]
        text = httpx.get(f"http://{target}/metrics").raise_for_status().text
        for _, _, name, kind in (
            line.split() for line in text.splitlines() if line.startswith("# TYPE")
        ):
            known.add(name)
            known.update(f"{name}_{end}" for end in ("bucket", "sum") if kind == "histogram")
    named = {name for expression in expressions() for name in _NAME.findall(expression)}
    assert named - known == set()


def test_prometheus_takes_it_all_and_sees_an_edge_die(watched: Cluster, tmp_path: Path) -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("needs prometheus")
    port = free_ports(1)[0]
    (tmp_path / "prometheus.yaml").write_text(exported(watched, "prometheus").replace("15s", "1s"))
    (tmp_path / "cinedge-alerts.yaml").write_text(exported(watched, "alerts"))
    words = (
        prometheus,
        f"--config.file={tmp_path}/prometheus.yaml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    )

    def ask(expression: str) -> list[dict[str, Any]]:
        where = f"http://127.0.0.1:{port}/api/v1/query"
        answer = httpx.get(where, params={"query": expression}, timeout=10)
        if answer.status_code == 503:
            answer.raise_for_status()  # still starting
        found = answer.json()
        assert found["status"] == "success", (expression, found)
        results: list[dict[str, Any]] = found["data"]["result"]
        return results

    def up() -> dict[str, str]:
        try:
            return {each["metric"]["node"]: each["value"][1] for each in ask("up")}
        except httpx.HTTPError:
            return {}

    nodes = {"origin", "router", *watched.edges}
    with Running(words):
        wait_until(lambda: up() == dict.fromkeys(nodes, "1"), "all are scraped", 60)
        for expression in expressions():
            ask(expression.replace("${source}", ""))
        firing = ask('ALERTS{alertname="CinedgeProcessDown"}')
        assert firing == []
        watched.kill("edge-iad")
        wait_until(lambda: up().get("edge-iad") == "0", "its end is seen", 60)
        assert {node for node, value in up().items() if value == "1"} == nodes - {"edge-iad"}
        wait_until(
            lambda: (
                [each["metric"]["node"] for each in ask('ALERTS{alertname="CinedgeProcessDown"}')]
                == ["edge-iad"]
            ),
            "the alert is pending",
            60,
        )
