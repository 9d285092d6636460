"""Pacing of a route, as a topology says it."""

from __future__ import annotations

from config.dump import dump_topology
from config.pacing import Pacing
from config.topology import Route, Topology


def test_a_route_is_not_paced_unless_it_says_so() -> None:
    assert Route().pacing is None
    assert Pacing().bitrate_bytes_per_second == 0


def test_pacing_is_written_as_it_was_read() -> None:
    topology = Topology(routes=(Route(pacing=Pacing(750_000, 1.5)),))
    assert 'bitrate_bytes_per_second: "750000"' in dump_topology(topology)
