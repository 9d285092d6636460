"""Every listener in TLS, known by an authority of the installation's own: it plays as ever."""

from __future__ import annotations

import os
import random
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.helpers.authority import Authority
from tests.helpers.cluster import Cluster
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


@pytest.mark.parametrize("tier", ["origin", "router", "edge"])
def test_older_tls_and_plain_http_get_nothing(cluster: Cluster, tier: str) -> None:
    edge = next(iter(cluster.edges.values()))
    url = {"origin": cluster.origin, "router": cluster.router, "edge": edge}[tier]
    old = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with httpx.Client(verify=old) as http, pytest.raises(httpx.ConnectError):
        http.get(f"{url}/readyz")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url.replace('https', 'http')}/readyz")
