"""A viewer is sent to the edge of its region, and that edge answers."""

from __future__ import annotations

import pytest

from tests.helpers.cluster import ADDRESSES, Cluster, client

KEY = "films/near.mp4"


@pytest.fixture(scope="module", autouse=True)
def _uploaded(cluster: Cluster) -> None:
    cluster.put(KEY, b"near" * 1000, "video/mp4")


def test_three_regions_reach_three_edges(cluster: Cluster) -> None:
    reached = {site: cluster.edge_for(KEY, address) for site, address in ADDRESSES.items()}
    assert reached == {site: f"edge-{site}" for site in ADDRESSES}


@pytest.mark.parametrize("site", ADDRESSES)
def test_edge_of_the_region_says_its_name_and_serves_the_bytes(cluster: Cluster, site: str) -> None:
    with client(ADDRESSES[site]) as http:
        answer = http.get(f"{cluster.router}/{KEY}")
    assert answer.content == b"near" * 1000
    assert f"edge-{site}" in answer.headers["Cache-Status"]


def test_redirect_keeps_query_and_range(cluster: Cluster) -> None:
    with client(ADDRESSES["iad"]) as http:
        first = http.get(f"{cluster.router}/{KEY}?a=%2F&b", follow_redirects=False)
        answer = http.get(f"{cluster.router}/{KEY}", headers={"Range": "bytes=4-7"})
    assert first.headers["Location"] == f"{cluster.edges['edge-iad']}/{KEY}?a=%2F&b"
    assert (answer.status_code, answer.content) == (206, b"near")


def test_unknown_address_falls_to_the_default_site(cluster: Cluster) -> None:
    assert cluster.edge_for(KEY, "127.9.9.9") == "edge-fra"


def test_ranked_list_names_every_edge_nearest_first(cluster: Cluster) -> None:
    with client(ADDRESSES["sin"]) as http:
        body = http.get(f"{cluster.router}/v1/route", params={"path": f"/{KEY}"}).json()
    assert body["edges"][0]["name"] == "edge-sin"
    assert {edge["name"] for edge in body["edges"]} == set(cluster.edges)
    assert body["url"] == f"{cluster.edges['edge-sin']}/{KEY}"


def test_explanation_agrees_with_the_redirect(cluster: Cluster) -> None:
    with client(ADDRESSES["iad"]) as http:
        body = http.get(f"{cluster.router}/v1/explain", params={"path": f"/{KEY}"}).json()
    assert body["edges"][0]["name"] == "edge-iad"
