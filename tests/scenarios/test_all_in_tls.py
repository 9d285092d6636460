"""Every listener in TLS, known by an authority of the installation's own: it plays as ever."""

from __future__ import annotations

import json
import os
import random
import ssl
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from config.check_addresses import admin_url
from tests.helpers.authority import Authority
from tests.helpers.cluster import CINEDGE, ROOT, Cluster
from tests.helpers.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FILM, OTHER = random.Random(1).randbytes(3_000_000), random.Random(2).randbytes(2_000_000)


class SecureCluster(Cluster):
    """The test believes the authority by its environment; the processes by their topology alone."""

    def start(self, tier: str, name: str, *rest: Any) -> None:
        believed = os.environ.pop("SSL_CERT_FILE")
        try:
            super().start(tier, name, *rest)
        finally:
            os.environ["SSL_CERT_FILE"] = believed


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    authority = Authority(tmp_path_factory.mktemp("authority"))

    def edit(document: dict[str, Any]) -> None:
        document["authorities"] = str(authority.file)
        for node in (*document["origins"], *document["edges"], *document["routers"]):
            made = authority.certificate(node["name"])
            node["tls"] = {
                "certificate": made.certificate,
                "key": made.key,
                "oldest_version": "TLSv1.3",
                "hsts_seconds": 60,
            }
            if "admin" in node:
                node["admin_tls"] = node["tls"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.file))
        with SecureCluster(tmp_path_factory.mktemp("secure"), edit) as running:
            yield running


def test_a_film_goes_in_plays_by_the_router_and_is_replaced_everywhere(cluster: Cluster) -> None:
    urls = [cluster.origin, cluster.router, *cluster.edges.values()]
    assert all(url.startswith("https://") for url in urls)
    cluster.put("films/a.mp4", FILM)
    with httpx.Client(follow_redirects=True) as http:
        played = http.get(f"{cluster.router}/films/a.mp4", headers={"Range": "bytes=100-1999999"})
        assert (played.status_code, played.content) == (206, FILM[100:2_000_000])
        assert played.url.scheme == "https"
        assert played.headers["Strict-Transport-Security"] == "max-age=60"
        for url in cluster.edges.values():
            assert http.get(f"{url}/films/a.mp4").content == FILM
        cluster.put("films/a.mp4", OTHER)

        def replaced() -> bool:
            return all(
                http.get(f"{url}/films/a.mp4").content == OTHER for url in cluster.edges.values()
            )

        wait_until(replaced, "every edge has heard of it in the journal", 20)
        page = http.get(f"{cluster.router}/operate/")
        assert page.headers["Strict-Transport-Security"] == "max-age=60"


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--of", "FILE", "--json"),
        ("top", "edges", "--of", "FILE", "--once", "--json"),
        ("top", "titles", "--of", "FILE", "--once", "--json"),
        ("drain", "--topology", "FILE", "--name", "EDGE"),
        ("undrain", "--topology", "FILE", "--name", "EDGE"),
    ],
    ids=" ".join,
)
def test_operators_are_answered_by_whom_the_topology_lets_them_believe(
    words: tuple[str, ...], cluster: Cluster
) -> None:
    named = {"FILE": str(cluster.topology_path), "EDGE": cluster.topology.edges[0].name}
    command = [*CINEDGE, *(named.get(word, word) for word in words)]
    environ = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    if words[0] == "status":
        edges = [each for each in json.loads(done.stdout)["nodes"] if each["tier"] == "edge"]
        assert all(each["version"] for each in edges), "their figures are on the admin address"


def test_a_topology_is_applied_by_admin_addresses_in_tls(cluster: Cluster) -> None:
    document = yaml.safe_load(cluster.topology_path.read_text())
    document["edges"][0]["weight"] = 2.0
    new = cluster.data / "new.yaml"
    new.write_text(yaml.safe_dump(document, sort_keys=False))
    command = [*CINEDGE, "topology", "apply", str(new), "--of", str(cluster.topology_path)]
    environ = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "By hand" not in done.stdout, "every process was heard to go by the new file"


@pytest.mark.parametrize("tier", ["origin", "router", "edge", "admin"])
def test_older_tls_and_plain_http_get_nothing(cluster: Cluster, tier: str) -> None:
    edge = next(iter(cluster.edges.values()))
    urls = {"origin": cluster.origin, "router": cluster.router, "edge": edge}
    url = {**urls, "admin": admin_url(cluster.topology.edges[0])}[tier]
    old = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert httpx.get(f"{url}/readyz").is_success
    with httpx.Client(verify=old) as http, pytest.raises(httpx.ConnectError):
        http.get(f"{url}/readyz")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url.replace('https', 'http')}/readyz")
