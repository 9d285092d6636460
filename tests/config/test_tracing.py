"""Where spans go is declared, and whom to believe is a list of networks."""

from __future__ import annotations

import pytest

from config.complaints import TopologyError
from config.load import parse_topology
from config.tracing import Tracing, addresses_in

PLAIN = """
tracing:
  endpoint: http://127.0.0.1:4318/v1/traces
"""


def test_only_the_endpoint_has_to_be_said() -> None:
    topology = parse_topology(PLAIN, {}, folder="/x")
    assert topology.tracing == Tracing("http://127.0.0.1:4318/v1/traces")
    assert 0 < topology.tracing.sample_ratio < 0.01
    assert parse_topology("name: a", {}, folder="/x").tracing is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("  sample_ratio: 1.5\n", "tracing.sample_ratio"),
        ("  believe: [everybody]\n", r"tracing.believe\[0\]"),
        ("  believe: [10.0.0.1/8]\n", r"tracing.believe\[0\]"),
        ("  per_second_max: 0\n", "tracing.per_second_max"),
        ("  ratio: 1\n", "sample_ratio"),
    ],
)
def test_mistakes_are_named_with_their_place(line: str, words: str) -> None:
    with pytest.raises(TopologyError, match=words):
        parse_topology(PLAIN + line, {}, folder="/x")


def test_addresses_are_found_in_hosts_and_urls() -> None:
    places = ("10.0.0.1", "http://[fd00::1]:80/x", "edge.example", "0.0.0.0", "", "10.0.0.1")
    assert list(addresses_in(*places)) == ["10.0.0.1", "fd00::1"]
