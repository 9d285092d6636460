"""Claims about `cinedge router`: which records its arguments make."""

from __future__ import annotations

import argparse

import pytest

from config.topology import Address, RouterNode, Topology
from scripts.cli import router
from scripts.cli.errors import UsageError

_LISTEN = ("--listen", "127.0.0.1:8080")


def start(*words: str) -> tuple[RouterNode, Topology]:
    parser = argparse.ArgumentParser()
    router.add_parser(parser.add_subparsers())
    started: list[tuple[RouterNode, Topology]] = []

    def run_router(node: RouterNode, topology: Topology, file: object = None) -> int:
        started.append((node, topology))
        return 7

    assert router.start(parser.parse_args(["router", *words]), {}, run_router) == 7
    return started[0]


def test_every_url_becomes_an_edge_of_one_site() -> None:
    node, topology = start(*_LISTEN, "--edges", "http://127.0.0.1:9001/, https://edge.example")
    assert node.listen == Address("127.0.0.1", 8080)
    assert [(edge.url, edge.listen) for edge in topology.edges] == [
        ("http://127.0.0.1:9001", Address("127.0.0.1", 9001)),
        ("https://edge.example", Address("edge.example", 443)),
    ]
    assert {edge.site for edge in topology.edges} == {site.name for site in topology.sites}
    assert len({edge.name for edge in topology.edges}) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (_LISTEN, "give --edges"),
        ((*_LISTEN, "--edges", ""), "expected an http"),
        ((*_LISTEN, "--edges", "http://a,,http://b"), "--edges"),
        ((*_LISTEN, "--edges", "http://a,http://a/"), "listed twice"),
        ((*_LISTEN, "--edges", "127.0.0.1:9001"), "expected an http or https URL"),
    ],
)
def test_what_cannot_be_is_said(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        start(*words)
