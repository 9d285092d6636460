"""Claims about arguments that sub-commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from config.topology import Address, EdgeNode, EdgeSettings
from scripts.cli.arguments import (
    add_node_arguments,
    add_watch_argument,
    like,
    load_node,
    nodes_named,
    refuse_besides_topology,
    require,
    url_of,
)
from scripts.cli.errors import UsageError

_TOPOLOGY = """\
sites: [{name: fra, latitude: 1, longitude: 2}]
routers: []
edges:
  - {name: e1, site: fra, listen: "127.0.0.1:1", disks: [{path: a}]}
  - {name: e2, site: fra, listen: "127.0.0.1:2", disks: [{path: b}]}
routes: [{upstream: ["http://o"]}]
"""


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_node_arguments(parser, "edge")
    return parser.parse_args(words)


def test_argument_obeys_the_declaration_of_its_setting() -> None:
    assert like(EdgeSettings, "block_bytes")("1MiB") == 1 << 20
    with pytest.raises(argparse.ArgumentTypeError, match="at least 64KiB"):
        like(EdgeSettings, "block_bytes")("1KiB")
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected HOST:PORT; write 127\.0\.0\.1"):
        like(EdgeNode, "listen")("9000")


def test_node_is_found_by_name(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(_TOPOLOGY)
    words = ("--topology", str(file))
    node, topology = load_node(parse(*words, "--name", "e2"), "edge", lambda t: t.edges, {})
    assert (node.name, len(topology.edges)) == ("e2", 2)
    with pytest.raises(UsageError, match="e1, e2: say which with --name"):
        load_node(parse(*words), "edge", lambda t: t.edges, {})
    with pytest.raises(UsageError, match="no edge named 'e3'; known: e1, e2"):
        load_node(parse(*words, "--name", "e3"), "edge", lambda t: t.edges, {})
    with pytest.raises(UsageError, match="lists no router"):
        load_node(parse(*words), "router", lambda t: t.routers, {})


def test_a_topology_says_all_of_it() -> None:
    args = argparse.Namespace(listen=None, block_size=5)
    with pytest.raises(UsageError, match="remove --block-size"):
        refuse_besides_topology(args, ("listen", "block_size"))
    with pytest.raises(UsageError, match="give --listen, or --topology"):
        require(args, ("listen", "block_size"))


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (Address("::1", 80), "http://[::1]:80"),
        (Address("0.0.0.0", 80), ""),
        (Address("127.0.0.1", 0), ""),
    ],
)
def test_url_is_made_only_where_it_can_be_told(listen: Address, url: str) -> None:
    assert url_of(listen) == url


def test_a_file_to_watch_goes_with_one_to_begin_with() -> None:
    parser = argparse.ArgumentParser()
    add_watch_argument(parser)
    parser.add_argument("--listen")
    with pytest.raises(UsageError, match=r"--watch .* give both"):
        require(parser.parse_args(["--watch", "topology.yaml", "--listen", "x"]), ("listen",))


def test_names_to_complete_are_those_of_the_file_and_none_of_a_broken_one(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(_TOPOLOGY)
    assert nodes_named(argparse.Namespace(topology=str(path))) == ["e1", "e2"]
    assert nodes_named(argparse.Namespace(topology=None, of=path)) == ["e1", "e2"]
    path.write_text("nonsense: 1")
    assert nodes_named(argparse.Namespace(of=path)) == []
    assert nodes_named(argparse.Namespace()) == []
