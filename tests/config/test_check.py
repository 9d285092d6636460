"""Claims about the checks as a whole; each single one is held to the vectors of test_load."""

from __future__ import annotations

import dataclasses

from config.check import check_topology
from config.keeping import ObjectStore
from config.topology import (
    AccessToken,
    Address,
    CacheDisk,
    EdgeNode,
    OriginNode,
    Site,
    Tls,
    Topology,
    Volume,
)

_ORIGIN = OriginNode("o", Address("127.0.0.1", 8000), "/data")


def paths(topology: Topology) -> list[str]:
    return [finding.path for finding in check_topology(topology)]


def test_an_empty_topology_is_sound() -> None:
    assert paths(Topology()) == []


def test_an_origin_that_others_reach_needs_an_upload_token() -> None:
    public = dataclasses.replace(_ORIGIN, listen=Address("192.0.2.1", 8000))
    reader = AccessToken("a", ("operate",), "12345678")
    writer = AccessToken("b", ("upload",), "abcdefgh")
    assert paths(Topology(origins=(_ORIGIN,))) == []
    assert paths(Topology(origins=(public,))) == ["origins[0].listen"]
    assert paths(Topology(origins=(public,), access_tokens=(reader,))) == ["origins[0].listen"]
    assert paths(Topology(origins=(public,), access_tokens=(reader, writer))) == []


def test_one_secret_belongs_to_one_token() -> None:
    tokens = tuple(AccessToken(name, ("upload",), "12345678") for name in "ab")
    assert paths(Topology(access_tokens=tokens)) == ["access_tokens[1]"]


def test_no_finding_repeats_a_secret() -> None:
    findings = check_topology(Topology(access_tokens=(AccessToken("a", (), "hush!hush"),)))
    assert findings
    assert "hush" not in repr(findings)


def test_volumes_hold_the_copies() -> None:
    volumes = (Volume("a", "/a"), Volume("b", "/b", weight=0))
    two = dataclasses.replace(_ORIGIN, volumes=volumes, copies=2)
    assert paths(Topology(origins=(two,))) == []
    assert paths(Topology(origins=(dataclasses.replace(two, copies=3),))) == ["origins[0].copies"]
    none = dataclasses.replace(two, volumes=volumes[1:], copies=1)
    assert paths(Topology(origins=(none,))) == ["origins[0].volumes"]


def test_copies_are_the_object_stores_own_business() -> None:
    store = ObjectStore("http://127.0.0.1:8333", "films", "key", secret="secret")
    distant = dataclasses.replace(_ORIGIN, object_store=store)
    assert paths(Topology(origins=(distant,))) == []
    two = dataclasses.replace(distant, copies=2)
    assert paths(Topology(origins=(two,))) == ["origins[0].copies"]


def test_an_edge_with_tls_is_not_reached_by_http() -> None:
    edge = EdgeNode(
        "e",
        "here",
        Address("127.0.0.1", 9001),
        (CacheDisk("/cache"),),
        tls=Tls("/chain.pem", "/key.pem"),
        url="http://127.0.0.1:9001",
    )
    around = Topology(sites=(Site("here", 0.0, 0.0),), origins=(_ORIGIN,))
    assert paths(dataclasses.replace(around, edges=(edge,))) == ["edges[0].url"]
    secure = dataclasses.replace(edge, url="https://127.0.0.1:9001")
    assert paths(dataclasses.replace(around, edges=(secure,))) == []
