"""Claims about the records themselves."""

from __future__ import annotations

from config.topology import Address, EdgeNode, OriginNode, RouterNode, Topology


def test_address_writes_ipv6_in_brackets() -> None:
    assert str(Address("::1", 80)) == "[::1]:80"
    assert str(Address("127.0.0.1", 80)) == "127.0.0.1:80"


def test_nodes_come_with_their_paths() -> None:
    at = Address("127.0.0.1", 1)
    topology = Topology(
        origins=(OriginNode("o", at, "/o"),),
        edges=(EdgeNode("e", "s", at, ()), EdgeNode("f", "s", at, ())),
        routers=(RouterNode("r", at),),
    )
    assert [(path, node.name) for path, node in topology.nodes()] == [
        ("origins[0]", "o"),
        ("edges[0]", "e"),
        ("edges[1]", "f"),
        ("routers[0]", "r"),
    ]
