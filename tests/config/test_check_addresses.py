"""Claims about addresses and directories: what collides, and what only looks as if it did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.check_addresses import (
    admin_url,
    directories_do_not_overlap,
    is_loopback,
    is_wildcard,
    listeners_do_not_collide,
    reachable_addresses,
)
from config.topology import Address, CacheDisk, EdgeNode, OriginNode, Tls, Topology, Volume


def edge(name: str, host: str, port: int, url: str = "", path: str = "") -> EdgeNode:
    return EdgeNode(name, "s", Address(host, port), (CacheDisk(path or f"/{name}"),), url=url)


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        (("127.0.0.1", 80, ""), ("127.0.0.1", 80, ""), True),
        (("127.0.0.1", 80, ""), ("127.0.0.1", 81, ""), False),
        (("127.0.0.1", 80, ""), ("127.0.0.2", 80, ""), False),
        (("127.0.0.1", 0, ""), ("127.0.0.1", 0, ""), False),
        (("0.0.0.0", 80, ""), ("10.0.0.1", 80, ""), True),
        (("0.0.0.0", 80, "http://a"), ("0.0.0.0", 80, "http://b"), False),
        (("0.0.0.0", 80, "http://a"), ("::", 80, "http://a:81"), True),
        (("0.0.0.0", 80, "http://10.0.0.1"), ("10.0.0.1", 80, ""), True),
        (("0.0.0.0", 80, "http://10.0.0.2"), ("10.0.0.1", 80, ""), False),
    ],
)
def test_listeners_collide_only_on_one_machine(
    one: tuple[str, int, str], other: tuple[str, int, str], collide: bool
) -> None:
    topology = Topology(edges=(edge("a", *one), edge("b", *other)))
    assert bool(list(listeners_do_not_collide(topology))) == collide


@pytest.mark.parametrize(
    ("hosts", "folders", "overlap"),
    [
        (("127.0.0.1", "localhost"), ("/c", "/c"), True),
        (("127.0.0.1", "127.0.0.2"), ("/c", "/c/d"), True),
        (("127.0.0.1", "127.0.0.1"), ("/c/d", "/c"), True),
        (("127.0.0.1", "127.0.0.1"), ("/c", "/cd"), False),
        (("10.0.0.1", "10.0.0.2"), ("/c", "/c"), False),
    ],
)
def test_directories_overlap_only_on_one_machine(
    hosts: tuple[str, str], folders: tuple[str, str], overlap: bool
) -> None:
    nodes = [edge(f"e{n}", hosts[n], 80 + n, path=folders[n]) for n in range(2)]
    assert bool(list(directories_do_not_overlap(Topology(edges=tuple(nodes))))) == overlap


@pytest.mark.parametrize(
    ("volume", "findings"), [("/data/v", 0), ("/data", 1), ("/", 1), ("/other", 0)]
)
def test_volume_may_lie_inside_the_data_of_its_origin_but_not_around_it(
    volume: str, findings: int
) -> None:
    origin = OriginNode("o", Address("127.0.0.1", 1), "/data", volumes=(Volume("v", volume),))
    assert len(list(directories_do_not_overlap(Topology(origins=(origin,))))) == findings


def test_edge_on_a_wildcard_needs_a_url() -> None:
    topology = Topology(
        edges=(edge("a", "::", 1), edge("b", "::", 2, "http://b"), edge("c", "c", 0))
    )
    assert [finding.path for finding in reachable_addresses(topology)] == [
        "edges[0].url",
        "edges[2].url",
    ]


def test_loopback_and_wildcard_are_told_from_the_rest() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "localhost.example", "")))
    assert all(map(is_wildcard, ("0.0.0.0", "::")))
    assert not any(map(is_wildcard, ("127.0.0.1", "a", "")))


def test_an_admin_address_is_named_as_it_is_reached() -> None:
    bare = edge("a", "127.0.0.1", 80, "http://192.0.2.1")
    assert admin_url(bare) == ""
    plain = replace(bare, admin=Address("127.0.0.1", 81))
    assert admin_url(plain) == "http://127.0.0.1:81"
    secure = replace(plain, admin=Address("0.0.0.0", 81), admin_tls=Tls("c", "k"))
    assert admin_url(secure) == "https://192.0.2.1:81"
